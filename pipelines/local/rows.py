"""A local run as rows: the stages, and the jobs by encoder and fold."""

from collections.abc import Callable, Iterator
from typing import Any

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.jobs import Job, in_loop, job_title
from salt_pipeline.components.core.stages import TASKS, TASKS_IN_LOOP
from salt_pipeline.pipelines.display.run_table import Line, Row, job_name
from salt_pipeline.pipelines.local.folder import Stage

Progress = Callable[[Job], dict[str, Any]]
"""Reads what a training job wrote about itself: `done` and `epochs`, `loss`, `score`; empty before it has begun."""


def rows(config: Config, stages: list[Stage], progress: Progress, ended: bool) -> list[Row]:
    """Builds the table's rows, in the pipeline's order; the jobs stand where the loop is.

    A single stage leaves no trace before it has finished: the first one that has not is the one that is running.

    Args:
        config: The run's configuration.
        stages: The tasks that have finished.
        progress: Reads the progress of a job.
        ended: Whether the run's process has ended, so that nothing is running any more.
    """
    seconds = {(stage.name, job_of(stage)): stage.seconds for stage in stages}
    running = "not finished" if ended else "running"
    table: list[Row] = []
    for name in TASKS:
        if name == TASKS_IN_LOOP[0]:
            table += [_job_row(job, seconds, progress(job), running) for job in in_loop(config)]
        elif name not in TASKS_IN_LOOP:
            begun = running if all(row.state == "succeeded" for row in table) else "waiting"
            state = "succeeded" if (name, None) in seconds else begun
            table.append(Row(name, state=state, seconds=seconds.get((name, None), 0)))
    return table


def _job_row(job: Job, seconds: dict[tuple[str, Job | None], float], progress: dict[str, Any], running: str) -> Row:
    train, predict = ((name, job) for name in TASKS_IN_LOOP)
    if predict in seconds:
        doing, state = predict[0], "succeeded"
    elif train in seconds:
        doing, state = predict[0], running
    elif progress:
        doing, state = train[0], running
    else:
        doing, state = "", "waiting"
    return Row(job_name(job), doing, state, seconds.get(train, 0) + seconds.get(predict, 0), progress=progress)


def lines(config: Config, stages: list[Stage], progress: Progress) -> Iterator[Line]:
    """The lines for a log: one for each finished task, one for each training that begins, and one for each epoch."""
    trained = {job_of(stage) for stage in stages}
    for stage in stages:
        job = job_of(stage)
        task = f"{stage.name} {job_title(*job)}" if job else stage.name
        yield Line(stage.place, "done", f"{task}: done in {stage.seconds:.0f} s")
    for job in in_loop(config):
        state = progress(job)
        if state and job not in trained:
            yield Line(f"{job_title(*job)}: begin", "", f"{job_title(*job)}: training begins")
        if state.get("loss") is not None:
            epoch = f"epoch {int(state['done'])} of {state['epochs']}"
            text = f"{job_title(*job)}: {epoch}, loss {state['loss']:.4f}, metric {state['score']:.4f}"
            yield Line(job_title(*job), epoch, text)


def job_of(stage: Stage) -> Job | None:
    """The job of a task in the loop, by its artifact's place."""
    if stage.name not in TASKS_IN_LOOP:
        return None
    _, encoder, fold, _ = stage.place.split("/", 3)
    return Job(encoder, int(fold.removeprefix("fold")))
