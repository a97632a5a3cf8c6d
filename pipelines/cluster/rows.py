"""A run on a cluster as rows: the stages, and the jobs by encoder and fold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from salt_pipeline.components.core.jobs import Job, short_name
from salt_pipeline.components.core.stages import TASKS, TASKS_IN_LOOP
from salt_pipeline.pipelines.cluster.tasks import Task

Progress = dict[Job, dict[str, Any]]
"""The progress that training jobs wrote: `done` and `epochs`, `loss`, `score`."""

Seconds = Callable[[Task], float]
"""How long the containers of a task ran, as a `Stopwatch` knows it."""

COLOURS = {
    "succeeded": "green",
    "cached": "green",
    "failed": "red",
    "running": "yellow",
    "retrying": "magenta",
    "skipped": "dim",
}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: Stage, or encoder and fold.
        doing: Which task of a job is on, as `train-fold`; empty for a stage.
        state: As of `Task`.
        seconds: How long its containers ran so far; waiting for a node or an image is not in it.
        retries: Attempts beyond the first.
        note: Last metric, or why it waits, is retried or failed.
    """

    name: str
    doing: str = ""
    state: str = "waiting"
    seconds: float = 0
    retries: int = 0
    note: str = ""


def job_name(job: Job) -> str:
    """As `salt logs` takes it."""
    return f"{short_name(job[0])}/fold{job[1]}"


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
    shown = next((task for task in found if task.state == "failed"), found[-1])
    note = shown.reason if shown.state != "running" else ""
    return _row(job_name(job), shown.stage, found[: found.index(shown) + 1], seconds, note or _metric(progress))


def _row(name: str, doing: str, tasks: list[Task], seconds: Seconds, note: str) -> Row:
    retries = sum(max(0, len(task.attempts) - 1) for task in tasks)
    return Row(name, doing, tasks[-1].state, sum(map(seconds, tasks)), retries, note)


def _metric(progress: dict[str, Any]) -> str:
    if not progress:
        return ""
    score = progress.get("score")
    return f"epoch {int(progress.get('done', 0))}/{progress.get('epochs', '?')}" + (
        f", metric {score:.4f}" if score is not None else ""
    )


def as_table(title: str, shown: list[Row], trouble: list[str]) -> Table:
    """The rows for a terminal, and below them what the engine says of its own pods."""
    table = Table("stage or job", "state", "time", "retries", "", box=None, title=escape(title), title_justify="left")
    table.caption, table.caption_justify = escape("\n".join(trouble)) or None, "left"
    for row in shown:
        colour = COLOURS.get(row.state, "dim")
        state = f"{row.doing}: {row.state}" if row.doing else row.state
        table.add_row(
            escape(row.name), f"[{colour}]{state}[/]", clock(row.seconds), str(row.retries or ""), escape(row.note)
        )
    return table


def as_line(row: Row) -> str:
    """A row for a log."""
    parts = [f"{row.doing}: {row.state}" if row.doing else row.state]
    parts += [f"retry {row.retries}"] * bool(row.retries) + [clock(row.seconds)] * bool(row.seconds)
    parts += [row.note] * bool(row.note)
    return f"{row.name}: {', '.join(parts)}"


def clock(seconds: float) -> str:
    """A duration as h:mm:ss; empty for none."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole else ""
