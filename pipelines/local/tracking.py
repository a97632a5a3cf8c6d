"""Where the stages of a local run record in MLflow: on a server, or in an SQLite file beside the run's folder."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.tracking.experiment import open_experiment
from salt_pipeline.pipelines.local.folder import RunFolder


def prepare_tracking(folder: RunFolder) -> None:
    """Points MLflow at an SQLite file beside the run, unless a server is set; creates its tables before jobs start."""
    if "MLFLOW_TRACKING_URI" in os.environ:
        return
    home = folder.path.parent
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{home / 'mlflow.db'}"
    from mlflow import MlflowClient

    open_experiment(MlflowClient(), (home / "mlartifacts").as_uri())


def stage_environment() -> dict[str, str]:
    """Environment variables of the stages: the tracking server, the store and its keys, and the number of threads."""
    kept = (
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "MLFLOW_EXPERIMENT_NAME",
        "OMP_NUM_THREADS",
    )
    store = StoreSettings()
    return {key: os.environ[key] for key in kept if key in os.environ} | store.environment()


@contextmanager
def tracking_server(home: Path) -> Iterator[str]:
    """Serves the SQLite file of `home` on a loopback port: the images have no driver for it.

    Yields:
        The address of the server.

    Raises:
        SaltError: If the server does not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--uvicorn-opts",
        "--log-level warning",
        "--backend-store-uri",
        f"sqlite:///{home / 'mlflow.db'}",
        "--artifacts-destination",
        str(home / "mlartifacts"),
    ]
    quiet = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = subprocess.Popen([sys.executable, *command], stdin=subprocess.DEVNULL, env=quiet)  # noqa: S603 - ourselves
    try:
        deadline = time.monotonic() + 180
        while not _answers(f"{address}/health"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SaltError("the tracking server does not start", file=home / "mlflow.db")
            time.sleep(0.3)
        yield address
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 - a fixed http address
            return bool(answer.status == 200)
    except OSError:
        return False
