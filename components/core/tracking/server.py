"""The MLflow server, or the SQLite file, that MLFLOW_TRACKING_URI names."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from salt_pipeline.components.core.tracking.address import check_address, sqlite_file
from salt_pipeline.components.core.tracking.sqlite_file import check_sqlite

LIBRARIES = ("mlflow", "alembic", "sqlalchemy", "urllib3.connectionpool")
"""Loggers of libraries that warn of every attempt, with tracebacks; what they raise is reported by the caller."""

TABLES_SECONDS = 120
"""Longest wait, in seconds, for another process that creates the tables of a new SQLite file."""


_DEFAULTS = {
    # A server that is unreachable costs seconds, not MLflow's minutes of retries.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # Files pass through the server: the address of its store is often known inside of its cluster only.
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines for each run that is closed
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # it is drawn even without a terminal
}


@contextmanager
def patient_uploads() -> Iterator[None]:
    """Waits longer for an answer: a server answers only once it has stored the file, which may have 200 MB."""
    name = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    before = os.environ.get(name)
    os.environ[name] = "600"
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def open_client(address: str) -> Any:
    """MLflow's client.

    The first one creates the tables of a new SQLite file. MLflow does not lock that, and jobs that start together would
    corrupt it: one creates them here, the others wait.

    Args:
        address: The server's URL, or `sqlite:///` and a file.

    Raises:
        TrackingError: If MLflow cannot use the address or the file.
        TimeoutError: If another process does not finish creating the tables.
    """
    check_address(address)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    file = sqlite_file(address)
    if file is None:
        return MlflowClient(address)
    with _locked(file.parent):
        check_sqlite(file, address)
        return MlflowClient(address)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; the lock is on the folder, so that no file of it stays behind."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + TABLES_SECONDS
    try:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{folder}: another process is still creating MLflow's tables")
            time.sleep(0.1)
        yield
    finally:
        os.close(handle)
