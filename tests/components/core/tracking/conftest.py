"""Fixtures of the tracking: the level of its log, and an MLflow server that a test may stop."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import MlflowServer


@pytest.fixture(autouse=True)
def warnings_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Records warnings alone: a command that an earlier test ran in this process may have set a lower level."""
    caplog.set_level(logging.WARNING, "salt_pipeline")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path) -> Iterator[MlflowServer]:
    """A server for one test, which starts and stops it; it is not running yet."""
    shutil.copy(empty_mlflow, tmp_path)
    server = MlflowServer(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    yield server
    server.kill()
