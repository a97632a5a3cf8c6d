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
from salt_pipeline.components.core.tracking.address import VARIABLE, sqlite_file, sqlite_uri
from salt_pipeline.components.core.tracking.experiment import open_experiment
from salt_pipeline.components.core.tracking.failures import tracking_error
from salt_pipeline.components.core.tracking.server import open_client
from salt_pipeline.components.core.tracking.sqlite_file import check_writable


def prepare_tracking(home: Path) -> None:
    """Points MLflow at an SQLite file beside the run, unless another place is set, and checks that it can be used.

    A server that is unreachable does not stop the run: its records are sent later.

    Args:
        home: The folder that the run's own folder is in.

    Raises:
        TrackingError: If MLflow cannot be used until the user has fixed something.
    """
    artifacts = None
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = sqlite_uri(home / "mlflow.db")
        artifacts = (home / "mlartifacts").as_uri()
    address = os.environ[VARIABLE]
    if not address:  # nothing is to be recorded
        return
    try:
        if file := sqlite_file(address):
            check_writable(file)
        open_experiment(open_client(address), artifacts)
    except Exception as error:  # MLflow's client fails in many ways
        failure = tracking_error(error, address)
        if not failure.passing:
            raise failure from None


def stage_environment(with_store: bool) -> dict[str, str]:
    """Environment variables of the stages.

    Args:
        with_store: Whether they use the object store, and need its address and keys.
    """
    kept = (
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "MLFLOW_TRACKING_SERVER_CERT_PATH",
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_EXPERIMENT_ID",
        "OMP_NUM_THREADS",
    )
    store = StoreSettings().environment() if with_store else {}
    return {key: os.environ[key] for key in kept if key in os.environ} | store


@contextmanager
def tracking_server(file: Path) -> Iterator[str]:
    """Serves an SQLite file on a loopback port: the images have no driver for it.

    Args:
        file: MLflow's SQLite file.

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
        sqlite_uri(file),
        "--artifacts-destination",
        (file.parent.absolute() / "mlartifacts").as_uri(),
    ]
    quiet = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = subprocess.Popen([sys.executable, *command], stdin=subprocess.DEVNULL, env=quiet)  # noqa: S603 - ourselves
    try:
        deadline = time.monotonic() + 180
        while not _answers(f"{address}/health"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SaltError("the tracking server does not start", file=file)
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
