"""What a task of the stage does: from KFP's artifacts to plain files, through the stage, and back."""

from kfp.dsl import Artifact, Metrics

from salt_pipeline.components.core.artifacts import describe, log_metrics
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.submission.stage import submit


@exit_on_error()
def submit_task(
    dataset: Artifact,
    folds: Artifact,
    oof: Artifact,
    test: Artifact,
    models: list[Artifact],
    config: Artifact,
    csv: Artifact,
    choice: Artifact,
    submission_metrics: Metrics,
    bundle: Artifact,
) -> None:
    """Writes the submission and the model bundle.

    Args:
        dataset: The images.
        folds: The fold of each labelled image.
        oof: The ensemble's out-of-fold maps.
        test: The ensemble's test maps.
        models: Each job's weights and sidecar.
        config: The configuration document.
        csv: Output: the submission, `id,rle_mask`.
        choice: Output: what was chosen and how it scores, JSON.
        submission_metrics: Output: scores as scalars.
        bundle: Output: the trained ensemble, all that a prediction needs.
    """
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
