"""Runs the pipeline of a run folder with kfp.local; a process of its own, so that Ctrl-C can end all it began.

Usage: python -m pipelines.local FOLDER
"""

import fcntl
import logging
import os
import signal
import sys
import warnings
from functools import partial
from pathlib import Path

from kfp import local

from components.core.errors import SaltError, exit_on_error
from components.core.storage import read_json
from components.core.tracking import EXPERIMENT, Tracking
from pipelines.pipeline import salt_pipeline
from pipelines.run_folder import KFP, RunFolder


def run(folder: RunFolder) -> int:
    """Runs to the end, taking finished stages from the cache.

    Returns:
        The exit code: 0 when all went well.

    Raises:
        SaltError: If another process runs in this folder.
    """
    with (folder.path / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SaltError("another process runs in this folder", file=folder.path) from None
        folder.sweep()
        prepare_tracking(folder)
        # Image names need no "python" in them: every image of ours has it.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="kfp.local")
        local.init(
            local.SubprocessRunner(use_venv=False), pipeline_root=str(folder.path / KFP), enable_caching=True
        )  # fmt: skip
        settings = folder.config
        # No node is lost here: a second attempt at a user's mistake would only delay its message.
        cluster = settings.cluster.model_copy(update={"retries": 0})
        tracking = Tracking(folder.run)
        tracking.parent()
        signal.signal(signal.SIGTERM, partial(_stop, tracking))
        status = "FAILED"
        try:
            salt_pipeline(settings.model_copy(update={"cluster": cluster}))(
                data=folder.data,
                data_version=folder.data_version,
                config=settings.model_dump(mode="json"),
                run=folder.run,
                checkpoints=str(folder.checkpoints),
            )
            status = "FINISHED"
        except RuntimeError as error:  # a task failed; it has said why
            logging.getLogger(__name__).error("%s", error)
        finally:
            tracking.end_all(status)
            folder.collect()
    return 0 if status == "FINISHED" else 1


def _stop(tracking: Tracking, *_: object) -> None:
    """Ends at once on SIGTERM, which the jobs got as well: kfp.local would begin those that wait."""
    tracking.end_all("KILLED")
    os._exit(130)


def prepare_tracking(folder: RunFolder) -> None:
    """Points MLflow at an SQLite file beside the run, unless a server is named; makes its tables before jobs start."""
    if "MLFLOW_TRACKING_URI" in os.environ:
        return
    home = folder.path.parent
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{home / 'mlflow.db'}"
    from mlflow import MlflowClient

    client = MlflowClient()
    if client.get_experiment_by_name(EXPERIMENT) is None:
        client.create_experiment(EXPERIMENT, artifact_location=(home / "mlartifacts").as_uri())


if __name__ == "__main__":
    with exit_on_error():
        path = Path(sys.argv[1])
        sys.exit(run(RunFolder(path=path, **read_json(path / "run.json"))))
