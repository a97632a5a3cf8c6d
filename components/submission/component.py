"""The KFP component of the stage."""

from typing import List  # noqa: UP035 - KFP knows a list of artifacts by this name

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from components.core.images import image


@dsl.component(base_image=image("submission"), install_kfp_package=False)
def submission(
    dataset: Input[Dataset],
    folds: Input[Dataset],
    oof: Input[Dataset],
    test: Input[Dataset],
    models: Input[List[Model]],  # noqa: UP006
    config: dict,
    csv: Output[Artifact],
    choice: Output[Artifact],
    metrics: Output[Metrics],
    bundle: Output[Model],
) -> None:
    """Chooses threshold and smallest area on out-of-fold maps; writes the submission and the model bundle.

    Args:
        dataset: The images, from ingest.
        folds: Their folds, from fold_split.
        oof: The ensemble's out-of-fold maps.
        test: The ensemble's test maps.
        models: Each job's weights and sidecar.
        config: The configuration.
        csv: The submission, `id,rle_mask`.
        choice: What was chosen and how it scores, JSON.
        metrics: Scores as scalars.
        bundle: The trained ensemble, all that a prediction needs.
    """
    from components.core.errors import exit_on_error
    from components.core.lineage import describe, log_metrics
    from components.submission.stage import submit

    with exit_on_error():
        values = submit(
            dataset.path,
            folds.path,
            oof.path,
            test.path,
            [model.path for model in models],
            config,
            submission=csv.path,
            choice=choice.path,
            bundle=bundle.path,
        )
        describe(csv, "submission.csv")
        describe(choice, "submission/choice.json")
        describe(metrics, "submission/metrics.json")
        describe(bundle, "ensemble/bundle")
        log_metrics(metrics, values)
