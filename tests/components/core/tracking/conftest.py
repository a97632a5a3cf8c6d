"""Fixtures of the tracking: a shared MLflow server, one that a test may stop, and an address without a server."""

import logging
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.core.tracking.work import Recorded
from tests.servers import MlflowServer


@pytest.fixture(autouse=True)
def warnings_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Records warnings alone: a command that an earlier test ran in this process may have set a lower level."""
    caplog.set_level(logging.WARNING, "salt_pipeline")


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_mlflow, folder)
    with MlflowServer(folder) as server:
        yield server.address


@pytest.fixture
def server(address: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Recorded:
    """The shared server, with an experiment for each test."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    return Recorded(address, request.node.name)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{taken.getsockname()[1]}")
        yield


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path) -> Iterator[MlflowServer]:
    """A server for one test, which starts and stops it; it is not running yet."""
    shutil.copy(empty_mlflow, tmp_path)
    server = MlflowServer(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    yield server
    server.kill()
