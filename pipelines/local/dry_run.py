"""`salt run --dry-run`: what a run would do, task by task, without doing it."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import one_line
from salt_pipeline.components.core.job_files import JobKey, read_progress
from salt_pipeline.components.core.jobs import Job, in_loop
from salt_pipeline.components.core.schemas import DATASET, open_table, table_metadata
from salt_pipeline.components.core.stages import TASKS, TASKS_IN_LOOP
from salt_pipeline.pipelines.display.run_table import job_name
from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.local.rows import job_of


def job_progress(folder: RunFolder, config: Config, job: Job) -> dict[str, Any]:
    """The progress that a training job last wrote; empty before the dataset, whose hash is a part of the job's key.

    Raises:
        SaltError: If the file is damaged, or the store cannot be read.
    """
    dataset = folder.path / "ingest/dataset.parquet"
    if not dataset.exists():
        return {}
    data_hash = table_metadata(open_table(dataset, DATASET))["data_hash"]
    return read_progress(folder.checkpoints, JobKey(config.hash, data_hash, *job))


def planned(folder: RunFolder, config: Config) -> Iterator[tuple[str, str]]:
    """Each task in the order in which it runs, and what becomes of it."""
    finished = {(stage.name, job_of(stage)) for stage in folder.finished()}
    for task in TASKS:
        jobs: list[Job | None] = [*in_loop(config)] if task in TASKS_IN_LOOP else [None]
        for job in jobs:
            name = f"{task} {job_name(job)}" if job else task
            if (task, job) in finished:
                yield name, "finished: taken from the cache"
                continue
            progress = job_progress(folder, config, job) if job and task == TASKS_IN_LOOP[0] else {}
            done = int(progress.get("done", 0))
            yield name, f"resumes after epoch {done} of {progress.get('epochs', '?')}" if done else "runs"


def planned_tasks(folder: RunFolder, config: Config) -> list[dict[str, str]]:
    """What a run in this folder would do, for a program."""
    return [{"task": name, "does": words} for name, words in planned(folder, config)]


def dry_run_table(folder: RunFolder, config: Config) -> Table:
    """What a run in this folder would do, as a table."""
    table = Table("task", "what it would do", box=None)
    for name, words in planned(folder, config):
        table.add_row(escape(one_line(name)), words)
    return table
