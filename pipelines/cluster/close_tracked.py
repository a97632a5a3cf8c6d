"""Ends the MLflow runs of a cluster's run that failed or was stopped: it never reaches the report, which ends them."""

import logging
import os
from datetime import datetime
from importlib import import_module

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.tracking.experiment import find_experiment, find_runs
from salt_pipeline.components.core.tracking.server import open_client
from salt_pipeline.pipelines.cluster.kfp import ClusterRun, Kfp
from salt_pipeline.pipelines.cluster.tasks import Task
from salt_pipeline.pipelines.cluster.time_limit import within
from salt_pipeline.pipelines.cluster.watch import run_tasks

log = logging.getLogger(__name__)

TASK_STATUSES = {"succeeded": "FINISHED", "cached": "FINISHED", "failed": "FAILED"}
"""MLflow's status of a job by the state of its training; all others ended as the run did."""

SECONDS = 30.0
"""Longest time, in seconds, that a command spends on ending the MLflow runs."""


def close_tracked(kfp: Kfp, run_id: str) -> None:
    """Sets the MLflow status of a cluster's run and of its jobs if they still count as running.

    Nothing is done while the run or a newer one of the same name is active. A job whose training succeeded is FINISHED.
    Without MLFLOW_TRACKING_URI nothing is done, and no failure reaches the caller.

    Args:
        kfp: The API.
        run_id: The run.
    """
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return
    try:
        import_module("mlflow")  # before the time limit starts
    except ImportError:
        log.warning("not closed in MLflow: mlflow is not installed here (pip install mlflow-skinny)")
        return
    try:
        within(SECONDS, lambda: _close(kfp, run_id), "MLflow")
    except Exception as error:  # of many kinds: ours, MLflow's, urllib3's
        log.debug("not closed in MLflow: %s", error)


def _close(kfp: Kfp, run_id: str) -> None:
    name = kfp.run(run_id).tracked_name
    client = open_client(os.environ["MLFLOW_TRACKING_URI"])
    experiment = find_experiment(client)
    if not name or not experiment:
        return
    running = find_runs(client, experiment, name, "attributes.status = 'RUNNING'")
    if not running:
        return
    same = kfp.runs_tracked_as(name)
    if not same or any(not run.ended and run.state != "CANCELING" for run in same):
        return
    run = kfp.run(same[0].id)
    status = _status(run)
    jobs = {(encoder, str(fold)): task for task, (encoder, fold) in _trainings(kfp, run)}
    for tracked in running:
        tags = tracked.data.tags
        task = jobs.get((tags.get("salt.encoder", ""), tags.get("salt.fold", "")))
        own = TASK_STATUSES.get(task.state, status) if task else status
        ended = (task and task.finished) or run.finished
        client.set_terminated(tracked.info.run_id, own, _milliseconds(ended, run.created))


def _trainings(kfp: Kfp, run: ClusterRun) -> list[tuple[Task, Job]]:
    found = [(task, task.job(run.jobs)) for task in run_tasks(kfp, run.id) if task.stage == "train-fold"]
    return [(task, job) for task, job in found if job]


def _status(run: ClusterRun) -> str:
    if run.state == "SUCCEEDED":
        return "FINISHED"
    return "KILLED" if run.was_stopped else "FAILED"


def _milliseconds(ended: datetime | None, created: datetime) -> int | None:
    """When it ended, in MLflow's unit; None, which MLflow takes as now, if the time is not known."""
    return int(1000 * ended.timestamp()) if ended and ended > created else None
