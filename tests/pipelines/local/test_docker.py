"""Tests that need no Docker engine; those in tests/docker run containers."""

import os

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.docker import docker_runner, stage_environment
from salt_pipeline.pipelines.local.folder import RunFolder


def test_without_an_engine_there_is_no_runner(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SaltError, match="no Docker engine answers"):
        docker_runner(folder, {})


def test_stages_receive_the_variables_of_the_servers_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "SALT_", "MLFLOW_", "OMP_")):
            monkeypatch.delenv(name)
    given = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000",
        "SALT_S3_ENDPOINT": "http://127.0.0.1:9000",
        "SALT_S3_ACCESS_KEY": "key",
        "SALT_S3_SECRET_KEY": "secret",
        "OMP_NUM_THREADS": "3",
    }
    for name, value in (given | {"MLFLOW_RUN_ID": "other", "SALT_KFP_TOKEN": "private"}).items():
        monkeypatch.setenv(name, value)
    found = stage_environment()
    assert given.items() <= found.items()
    assert not {"MLFLOW_RUN_ID", "SALT_KFP_TOKEN", "HOME"} & found.keys()
