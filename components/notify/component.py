"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import PipelineTaskFinalStatus

from salt_pipeline.components.core.container_image import image


@dsl.component(base_image=image("report"), install_kfp_package=False)
def notify(run: str, origin: dict, kfp_run: str, status: PipelineTaskFinalStatus) -> None:
    """Posts the run's state and score to the address that asked to hear of it."""
    from salt_pipeline.components.notify.task import notify_task

    notify_task(run, origin, kfp_run, status)
