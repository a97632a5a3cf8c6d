"""The KFP component that compares the settings of a sweep; it is no stage, and runs in the image of the report."""

from typing import List  # noqa: UP035 - KFP knows a list of artifacts by this name

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Output

from salt_pipeline.components.core.container_image import image


@dsl.component(base_image=image("report"), install_kfp_package=False)
def compare_settings(
    dataset: Input[Dataset],
    config: Input[Artifact],
    oofs: Input[List[Dataset]],  # noqa: UP006
    curves: Input[List[Artifact]],  # noqa: UP006
    sweep: dict,
    kfp_run: str,
    comparison: Output[Artifact],
    table: Output[Markdown],
) -> None:
    """Compares the settings image by image with the first one; records them in MLflow."""
    from salt_pipeline.pipelines.sweep.task import compare_task

    compare_task(dataset, config, oofs, curves, sweep, kfp_run, comparison, table)
