"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from salt_pipeline.components.core.container_image import image


@dsl.component(base_image=image("ensemble"), install_kfp_package=False)
def ensemble(
    dataset: Input[Dataset],
    oof: Input[list[Dataset]],
    maps: Input[list[Dataset]],
    config: Input[Artifact],
    blended_oof: Output[Dataset],
    blended_test: Output[Dataset],
) -> None:
    """Blends the out-of-fold and the test maps of all jobs."""
    from salt_pipeline.components.ensemble.task import blend_task

    blend_task(dataset, oof, maps, config, blended_oof, blended_test)
