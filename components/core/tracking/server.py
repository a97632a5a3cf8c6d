"""The MLflow server, or the SQLite file, that MLFLOW_TRACKING_URI names."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from salt_pipeline.components.core.tracking.address import VARIABLE, check_address, sqlite_file, sqlite_uri
from salt_pipeline.components.core.tracking.failures import TrackingError
from salt_pipeline.components.core.tracking.sqlite_file import check_sqlite

LIBRARIES = ("mlflow", "alembic", "sqlalchemy", "urllib3.connectionpool")
"""Loggers of libraries that warn of every attempt, with tracebacks; what they raise is reported by the caller."""

CERTIFICATES, TOKEN = "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_TOKEN"
"""Variables of MLflow: a file of certificates, and what is sent as a bearer token."""

TABLES_SECONDS = 120
"""Longest wait, in seconds, for another process that creates the tables of a new SQLite file."""


_DEFAULTS = {
    # A server that is unreachable costs seconds, not MLflow's minutes of retries.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # urllib3 would sleep for up to six hours
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
    _settle_variables()
    from mlflow import MlflowClient

    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    file = sqlite_file(address)
    if file is None:
        return MlflowClient(address)
    with _locked(file.parent):
        check_sqlite(file, address)
        if not file.exists():
            _create_tables(file.resolve())
        return MlflowClient(address)


def _create_tables(file: Path) -> None:
    """Creates a file with all tables at once: half of them, as a kill would leave, could not be used."""
    from mlflow import MlflowClient

    part = file.with_name(f".{file.name}.{uuid4().hex[:8]}.part")  # a name that later writers in the folder remove
    try:
        MlflowClient(sqlite_uri(part)).search_experiments(max_results=1)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _settle_variables() -> None:
    """Sets what MLflow's client reads from the environment. An empty variable is not set: MLflow would fail on it.

    Raises:
        TrackingError: If the certificates or the token that a variable holds cannot be used.
    """
    for name in [name for name in os.environ if name.startswith("MLFLOW_") and name != VARIABLE]:
        if not os.environ[name]:  # an empty path of certificates would even switch their check off
            del os.environ[name]
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    certificates, token = os.environ.get(CERTIFICATES), os.environ.get(TOKEN, "")
    if certificates and not Path(certificates).exists():
        raise TrackingError("no such file", file=CERTIFICATES, found=certificates)
    if not all("!" <= character <= "~" for character in token):
        raise TrackingError("holds a blank, a line break, or another character that cannot be sent", file=TOKEN)


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
