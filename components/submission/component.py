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
    config: Input[Artifact],
    csv: Output[Artifact],
    choice: Output[Artifact],
    submission_metrics: Output[Metrics],
    bundle: Output[Model],
) -> None:
    """Chooses threshold and smallest area on out-of-fold maps; writes the submission and the model bundle."""
    from components.core.errors import exit_on_error
    from components.core.lineage import describe, log_metrics
    from components.core.storage import read_json
    from components.submission.stage import submit

    with exit_on_error():
        values = submit(
            dataset.path,
            folds.path,
            oof.path,
            test.path,
            [model.path for model in models],
            read_json(config.path),
            submission=csv.path,
            choice=choice.path,
            bundle=bundle.path,
        )
        describe(csv, "submission.csv")
        describe(choice, "choice")
        describe(submission_metrics, "submission scores")
        describe(bundle, "model bundle")
        log_metrics(submission_metrics, values)
