"""A run on a cluster as rows: the stages, and the jobs by encoder and fold."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job, in_loop
from salt_pipeline.components.core.stages import TASKS, TASKS_IN_LOOP
from salt_pipeline.pipelines.cluster.kfp import SEARCHED, Kfp
from salt_pipeline.pipelines.cluster.tasks import Task
from salt_pipeline.pipelines.display.run_table import Row, job_name

Progress = dict[Job, dict[str, Any]]
"""What training jobs wrote of themselves: `done` and `epochs`, `loss`, `score`."""

Seconds = Callable[[Task], float]
"""How long the containers of a task ran, as a `Stopwatch` knows it."""


def config_of(run: Any) -> Config | None:
    """The configuration a run was started with; None for a run of something else."""
    try:
        return parse_config((run.runtime_config.parameters or {})["config"])
    except (AttributeError, KeyError, SaltError):
        return None


def tracked_name(run: Any) -> str | None:
    """The name under which a cluster's run is recorded in MLflow; None for a run of something else.

    All runs of a schedule have the same parameters: each is recorded under the name of its workflow.
    """
    parameters = (run.runtime_config and run.runtime_config.parameters) or {}
    return run.display_name if run.recurring_run_id else parameters.get("run")


def runs_tracked_as(kfp: Kfp, name: str) -> list[Any]:
    """The cluster's runs that record under a name in MLflow, newest first: one that is started anew keeps its name."""
    return [run for run in islice(kfp.runs(), SEARCHED) if tracked_name(run) == name]


def jobs_of(run: Any) -> list[Job]:
    """The training jobs of a run, in the order of the loop's iterations."""
    config = config_of(run)
    return in_loop(config) if config else []


def rows(tasks: list[Task], jobs: list[Job], progress: Progress, seconds: Seconds) -> list[Row]:
    """Builds the table's rows, in the pipeline's order; the jobs stand where the loop is."""
    single = {task.stage: task for task in tasks if task.stage not in TASKS_IN_LOOP}
    known = jobs or [Job("iteration", i) for i in sorted({t.iteration for t in tasks if t.iteration is not None})]
    in_loop = {(task.stage, task.iteration): task for task in tasks if task.stage in TASKS_IN_LOOP}
    table = []
    for stage in TASKS:
        if stage == TASKS_IN_LOOP[0]:
            table += [_job_row(i, job, in_loop, progress.get(job, {}), seconds) for i, job in enumerate(known)]
        elif stage not in TASKS_IN_LOOP:
            task = single.get(stage)
            table.append(_row(stage, "", [task], seconds, task.reason) if task else Row(stage))
    return table


def _job_row(index: int, job: Job, tasks: dict, progress: dict[str, Any], seconds: Seconds) -> Row:
    found = [tasks[stage, index] for stage in TASKS_IN_LOOP if (stage, index) in tasks]
    if not found:
        return Row(job_name(job))
    told = next((task for task in found if task.state == "failed"), found[-1])
    note = told.reason if told.state != "running" else ""
    return _row(job_name(job), told.stage, found[: found.index(told) + 1], seconds, note, progress)


def _row(
    name: str, doing: str, tasks: list[Task], seconds: Seconds, note: str, progress: dict[str, Any] | None = None
) -> Row:
    retries = sum(max(0, len(task.attempts) - 1) for task in tasks)
    return Row(name, doing, tasks[-1].state, sum(map(seconds, tasks)), retries, note, progress or {})
