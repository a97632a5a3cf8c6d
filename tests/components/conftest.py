"""Fixtures of several components: a shared MLflow server, an address without a server, and no store from a cache."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from salt_pipeline.components.core import job_files
from tests.servers import MlflowServer

if TYPE_CHECKING:  # it imports MLflow, which most tests do not need
    from tests.components.core.tracking.work import Recorded


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_mlflow, folder)
    with MlflowServer(folder) as server:
        yield server.address


@pytest.fixture
def server(address: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> "Recorded":
    """The shared server, with an experiment for each test."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    from tests.components.core.tracking.work import Recorded

    return Recorded(address, request.node.name)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{taken.getsockname()[1]}")
        yield


@pytest.fixture
def no_cached_store() -> Iterator[None]:
    """Forgets the store that a watcher keeps: that of another test has other settings."""
    job_files._watchers_store.cache_clear()
    yield
    job_files._watchers_store.cache_clear()
