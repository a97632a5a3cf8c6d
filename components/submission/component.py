"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Output

from components.core.images import image


@dsl.component(base_image=image("submission"), install_kfp_package=False)
def submission(
    dataset: Input[Dataset],
    folds: Input[Dataset],
    oof: Input[Dataset],
    test: Input[Dataset],
    config: dict,
    csv: Output[Artifact],
    choice: Output[Artifact],
    metrics: Output[Metrics],
) -> None:
    """Chooses threshold and smallest area on out-of-fold maps and writes the submission.

    Args:
        dataset: The images, from ingest.
        folds: Their folds, from fold_split.
        oof: The ensemble's out-of-fold maps.
        test: The ensemble's test maps.
        config: The configuration.
        csv: The submission, `id,rle_mask`.
        choice: What was chosen and how it scores, JSON.
        metrics: Scores as scalars.
    """
    from components.core.errors import exit_on_error
    from components.core.lineage import describe, log_metrics
    from components.submission.stage import submit

    with exit_on_error():
        values = submit(dataset.path, folds.path, oof.path, test.path, config, submission=csv.path, choice=choice.path)
        describe(csv, "submission.csv")
        describe(choice, "submission/choice.json")
        describe(metrics, "submission/metrics.json")
        log_metrics(metrics, values)
