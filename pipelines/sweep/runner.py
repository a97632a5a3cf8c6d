"""Runs a sweep, in a separate process: `salt sweep` can end everything that it started.

Usage: python -m salt_pipeline.pipelines.sweep.runner FOLDER JOBS THREADS GPUS, where JOBS is the number of trainings at
once, THREADS the threads of each, and GPUS a JSON object with the jobs that each GPU carries, as {"0": 5, "1": 5}.
`salt sweep` calls it, which holds the folder's lock.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.paired import read_truth
from salt_pipeline.pipelines.local.tracking import prepare_tracking
from salt_pipeline.pipelines.sweep.folder import RESULTS, Results, SweepFolder, read_sweep
from salt_pipeline.pipelines.sweep.inputs import prepare
from salt_pipeline.pipelines.sweep.job import in_turn
from salt_pipeline.pipelines.sweep.pool import run_jobs
from salt_pipeline.pipelines.sweep.records import Records
from salt_pipeline.pipelines.sweep.results import results


def run(folder: SweepFolder, at_once: int, threads: str, gpus: Mapping[int, int]) -> None:
    """Runs the trainings that have not finished, and compares the settings.

    Args:
        folder: The sweep.
        at_once: Trainings that run at once.
        threads: Threads of each.
        gpus: The GPUs by their numbers, each with the jobs that its memory carries.

    Raises:
        SaltError: If the archive is wrong or a training fails.
    """
    prepare_tracking(folder.path.parent)
    prepare(folder.data, folder.configs, folder.path)
    records = Records(folder)

    def stop(*_: object) -> None:
        """Ends at once on a signal; `salt sweep` ends the trainings."""
        records.end("KILLED")
        os._exit(130)

    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, stop)
    try:
        jobs = folder.jobs()
        run_jobs(in_turn(jobs), at_once, threads, gpus)
        names = [setting.name for setting in folder.settings]
        found = results(names, jobs, read_truth(folder.path / "dataset.parquet"))
        records.finish(found)
        write_json(folder.path / RESULTS, Results(settings=tuple(found)).model_dump(mode="json"))
    except BaseException:
        records.end("FAILED")
        raise
    finally:
        records.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    with exit_on_error():
        opened = read_sweep(Path(sys.argv[1]))
        assert opened
        carried = {int(gpu): count for gpu, count in json.loads(sys.argv[4]).items()}
        run(opened, int(sys.argv[2]), sys.argv[3], carried)
