"""The KFP component of the stage."""

from typing import List  # noqa: UP035 - KFP knows a list of artifacts by this name

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from salt_pipeline.components.core.container_image import image


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
    from salt_pipeline.components.submission.task import submit_task

    submit_task(dataset, folds, oof, test, models, config, csv, choice, submission_metrics, bundle)
