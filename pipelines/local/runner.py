"""Runs the pipeline of a run folder with kfp.local, in a separate process: Ctrl-C can end everything that it started.

Usage: python -m salt_pipeline.pipelines.local.runner FOLDER JOBS GPUS, where JOBS is the number of jobs at once, and
GPUS a JSON object with the jobs that each GPU carries, as {"0": 5, "1": 5}. `salt run` calls it, which holds the
folder's lock.
"""

import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from kfp import local

from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.stages import STAGES
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.components.core.tracking.address import sqlite_file
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.pipelines.local.docker import docker_runner, end_containers
from salt_pipeline.pipelines.local.folder import KFP, RunFolder, read_run
from salt_pipeline.pipelines.local.side_by_side import side_by_side
from salt_pipeline.pipelines.local.tracking import prepare_tracking, stage_environment, tracking_server
from salt_pipeline.pipelines.local.upload import publish
from salt_pipeline.pipelines.pipeline import salt_pipeline
from salt_pipeline.pipelines.variant import Variant


def run(folder: RunFolder, jobs: int, gpus: Mapping[int, int]) -> int:
    """Runs the pipeline to its end; finished stages are taken from the cache.

    Args:
        folder: The run.
        jobs: Training and prediction jobs that run at once.
        gpus: The GPUs by their numbers, each with the jobs that its memory carries.

    Returns:
        The exit code: 0 if the run succeeded.
    """
    folder.sweep()
    prepare_tracking(folder.path.parent)
    with ExitStack() as stack:
        runner = _runner(folder, stack)
        # kfp.local warns of images without "python" in their names; all of ours contain it.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="kfp.local")
        local.init(runner, pipeline_root=str(folder.path / KFP), enable_caching=True)
        tracking = Tracking(folder.run)
        tracking.parent()
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(sign, partial(_stop, folder, tracking))
        status = "FAILED"
        try:
            with side_by_side(jobs, gpus):
                _pipeline(folder)
            status = "FINISHED"
        except RuntimeError as error:  # a task has failed and has logged why
            logging.getLogger(__name__).error("%s", error)
        finally:
            tracking.end_all(status)
            tracking.close()
            folder.collect()
        if is_uri(folder.checkpoints):
            publish(folder)
    return 0 if status == "FINISHED" else 1


def _runner(folder: RunFolder, stack: ExitStack) -> local.SubprocessRunner | local.DockerRunner:
    if folder.runner == "subprocess":
        return local.SubprocessRunner(use_venv=False)
    end_containers(folder)
    if file := sqlite_file(os.environ["MLFLOW_TRACKING_URI"]):
        os.environ["MLFLOW_TRACKING_URI"] = stack.enter_context(tracking_server(file))
    stored = any(map(is_uri, (folder.data, folder.checkpoints, folder.config.model.encoder_weights)))
    return docker_runner(folder, stage_environment(with_store=stored))


def _pipeline(folder: RunFolder) -> None:
    """Runs the pipeline with the folder's settings."""
    settings = folder.config
    # No node is lost here: to retry after a user's mistake would only delay its message.
    cluster = settings.cluster.model_copy(update={"retries": 0, "stages": {}})
    salt_pipeline(settings.model_copy(update={"cluster": cluster}), Variant(cached=frozenset(STAGES)))(
        data=folder.data,
        data_version=folder.data_version,
        config=settings.model_dump(mode="json", exclude_none=True),  # KFP takes no nulls
        run=folder.run,
        checkpoints=folder.checkpoints,
        origin=folder.origin,
    )


def _stop(folder: RunFolder, tracking: Tracking, *_: object) -> None:
    """Ends at once on a signal; otherwise kfp.local would start the waiting jobs. `salt run` ends those that run."""
    if folder.runner == "docker":
        end_containers(folder)
    tracking.end_all("KILLED")
    os._exit(130)


if __name__ == "__main__":
    with exit_on_error():
        carried = {int(gpu): count for gpu, count in json.loads(sys.argv[3]).items()}
        sys.exit(run(read_run(Path(sys.argv[1])), int(sys.argv[2]), carried))
