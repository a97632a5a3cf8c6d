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
from collections.abc import Callable, Mapping
from pathlib import Path

from salt_pipeline.components.core.errors import SaltError, exit_on_error
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.paired import Truth, read_truth
from salt_pipeline.pipelines.local.tracking import prepare_tracking
from salt_pipeline.pipelines.sweep.folder import RESULTS, Results, SweepFolder, read_sweep
from salt_pipeline.pipelines.sweep.inputs import prepare
from salt_pipeline.pipelines.sweep.job import in_turn
from salt_pipeline.pipelines.sweep.pool import run_jobs
from salt_pipeline.pipelines.sweep.records import Records
from salt_pipeline.pipelines.sweep.results import results
from salt_pipeline.pipelines.sweep.search import Search

log = logging.getLogger(__name__)


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
        truth = read_truth(folder.path / "dataset.parquet")

        def train(sweep: SweepFolder) -> None:
            run_jobs(in_turn(sweep.jobs()), at_once, threads, gpus)

        train(folder)
        if folder.search:
            folder = search_settings(folder, truth, train, records)
        found = results([setting.name for setting in folder.settings], folder.jobs(), truth)
        records.finish(found)
        write_json(folder.path / RESULTS, Results(settings=tuple(found)).model_dump(mode="json"))
    except BaseException:
        records.end("FAILED")
        raise
    finally:
        records.close()


def search_settings(
    folder: SweepFolder, truth: Truth, train: Callable[[SweepFolder], None], records: Records
) -> SweepFolder:
    """Tries the settings that optuna proposes, one after the other.

    Args:
        folder: The sweep, whose known settings are trained; a setting is kept there before it is trained.
        truth: The labelled images.
        train: Runs the jobs of a sweep that have not finished.
        records: The runs in MLflow.

    Returns:
        The sweep with all settings.
    """
    assert folder.search
    first, trials = folder.settings[0], folder.search.trials
    search = Search(first.config, folder.search)
    for number in range(1, trials + 1):
        try:
            setting = search.ask()
        except SaltError as error:
            log.warning("%d of %d trials: skipped: %s", number, trials, error)
            continue
        if all(setting.config != known.config for known in folder.settings):
            folder = folder.model_copy(update={"settings": (*folder.settings, setting)})
            folder.save()
            records.follow(folder)
        pair = folder.model_copy(update={"settings": (first, setting)})
        train(pair)
        gain = results([first.name, setting.name], pair.jobs(), truth)[1].gain
        assert gain
        log.info("%d of %d trials: %s: %+.4f", number, trials, setting.name, gain.mean)
        search.tell(gain.mean)
    return folder


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    with exit_on_error():
        opened = read_sweep(Path(sys.argv[1]))
        assert opened
        carried = {int(gpu): count for gpu, count in json.loads(sys.argv[4]).items()}
        run(opened, int(sys.argv[2]), sys.argv[3], carried)
