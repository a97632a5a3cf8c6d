"""Runs the trainings of a sweep, a few at the same time, each in a process of its own."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from salt_pipeline.components.core.errors import MARK, SaltError, SaltErrors
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.pipelines.failure import mistakes
from salt_pipeline.pipelines.local.slots import Slots
from salt_pipeline.pipelines.sweep.job import METRICS, Job
from salt_pipeline.pipelines.sweep.training import write_job

log = logging.getLogger(__name__)

SHOWN = 5
"""Number of failed trainings that the last message names."""


def run_jobs(jobs: Iterable[Job], at_once: int, threads: str, capacity: Mapping[int, int] | None = None) -> None:
    """Runs the jobs that have not finished; jobs of one training follow each other in one process.

    A failure is logged at once and does not stop the others.

    Args:
        jobs: The jobs, those to begin with first.
        at_once: Number of trainings that run at the same time.
        threads: Compute threads of each, as in OMP_NUM_THREADS.
        capacity: The GPUs by their numbers, each with the jobs that its memory carries; by default none is chosen.

    Raises:
        SaltErrors: If trainings failed, once all have ended.
    """
    trainings: dict[str, list[Job]] = {}
    for job in {job.folder: job for job in jobs if not job.finished}.values():
        trainings.setdefault(job.training, []).append(job)
    slots, problems = Slots(capacity or {}), []
    pool = ThreadPoolExecutor(at_once)
    try:
        running = {pool.submit(_train, same, threads, slots): same[0] for same in trainings.values()}
        for number, done in enumerate(as_completed(running), 1):
            job, problem = running[done], done.result()
            of = f"{job_title(job.encoder, job.fold)}, seed {job.config.seed}, {job.setting}"
            title = f"{number} of {len(running)} trainings: {of}"
            if problem:
                problems.append(problem)
                log.error("%s failed: %s", title, problem)
            else:
                metrics = read_json(job.folder / METRICS)
                log.info("%s: %.4f, %.0f s", title, metrics["score"], metrics["training_seconds"])
    finally:
        pool.shutdown(cancel_futures=True)
    if problems:
        others = [SaltError(f"and {len(problems) - SHOWN} more")] if len(problems) > SHOWN else []
        raise SaltErrors(f"{len(problems)} of {len(trainings)} trainings failed", [*problems[:SHOWN], *others])


def _train(jobs: Sequence[Job], threads: str, slots: Slots) -> SaltError | None:
    """Runs one training; what went wrong, if anything did."""
    for job in jobs:
        write_job(job)
    first = jobs[0]
    words = [str(first.work), *(str(job.folder) for job in jobs)]
    output = first.folder / "log.txt"
    with slots.take() as gpu, output.open("w") as file:
        variables = {"OMP_NUM_THREADS": threads}
        if gpu is not None:  # by default CUDA counts the fastest GPU first, unlike nvidia-smi
            variables |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(gpu)}
        # Standard input is inherited: it is the lock of the sweep's folder, held until the last process has ended.
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "salt_pipeline.pipelines.sweep.training", *words],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | variables,
            check=False,
        )
    if not done.returncode:
        return None
    text = output.read_text(errors="replace")
    said = (mistakes(text) or text.splitlines()[-1:] or ["no message"])[0]
    return SaltError(said.removeprefix(MARK), file=output, found=f"exit code {done.returncode}")
