"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import PipelineTaskFinalStatus

from components.core.images import image


@dsl.component(base_image=image("report"), install_kfp_package=False)
def notify(run: str, origin: dict, kfp_run: str, status: PipelineTaskFinalStatus) -> None:
    """Posts the run's state and score to the address that asked to hear of it.

    Args:
        run: MLflow run of the whole pipeline run.
        origin: Where the run comes from: it has the address of the user interface.
        kfp_run: Id of the run in Kubeflow Pipelines.
        status: How the stages ended, as KFP says.
    """
    from components.core.errors import exit_on_error
    from components.notify.stage import notify as run_notify

    with exit_on_error():
        run_notify(run, status.state, origin, kfp_run)
