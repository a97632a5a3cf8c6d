"""The exit task: passes the final state of the stages, as KFP reports it, to the stage."""

from collections.abc import Mapping
from typing import Any

from kfp.dsl import PipelineTaskFinalStatus

from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.notify.stage import notify


@exit_on_error()
def notify_task(run: str, origin: Mapping[str, Any], kfp_run: str, status: PipelineTaskFinalStatus) -> None:
    """Posts the run's state and score to the address that asked to hear of it.

    Args:
        run: Name of the pipeline run in MLflow.
        origin: Where the run comes from: it has the address of the user interface.
        kfp_run: Id of the run in Kubeflow Pipelines.
        status: How the stages ended, as KFP says.
    """
    notify(run, status.state, origin, kfp_run)
