"""A run on a cluster as rows: the stages, and the jobs by encoder and fold."""

from collections.abc import Callable, Sequence
from typing import Any

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.stages import TASKS, TASKS_IN_LOOP
from salt_pipeline.pipelines.cluster.tasks import Task
from salt_pipeline.pipelines.display.run_table import Row, job_name

Progress = dict[Job, dict[str, Any]]
"""The progress that training jobs wrote: `done` and `epochs`, `loss`, `score`."""

Seconds = Callable[[Task], float]
"""How long the containers of a task ran, as a `Stopwatch` knows it."""


def rows(
    tasks: list[Task], jobs: list[Job], progress: Progress, seconds: Seconds, order: Sequence[str] = TASKS
) -> list[Row]:
    """Builds the table's rows, in the pipeline's order; the jobs stand where the loop is."""
    single = {task.stage: task for task in tasks if task.stage not in TASKS_IN_LOOP}
    known = jobs or [Job("iteration", i) for i in sorted({t.iteration for t in tasks if t.iteration is not None})]
    in_loop = {(task.stage, task.iteration): task for task in tasks if task.stage in TASKS_IN_LOOP}
    table = []
    for stage in order:
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
    shown = next((task for task in found if task.state == "failed"), found[-1])
    note = shown.reason if shown.state != "running" else ""
    return _row(job_name(job), shown.stage, found[: found.index(shown) + 1], seconds, note, progress)


def _row(
    name: str, doing: str, tasks: list[Task], seconds: Seconds, note: str, progress: dict[str, Any] | None = None
) -> Row:
    retries = sum(max(0, len(task.attempts) - 1) for task in tasks)
    return Row(name, doing, tasks[-1].state, sum(map(seconds, tasks)), retries, note, progress or {})
