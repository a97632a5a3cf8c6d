"""What needs no Docker engine; tests/docker runs the containers."""

import os
from pathlib import Path
from urllib.request import urlopen

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.docker import docker_runner, stage_environment, tracking_server
from salt_pipeline.pipelines.local.folder import RunFolder


def test_without_an_engine_there_is_no_runner(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SaltError, match="no Docker engine answers"):
        docker_runner(folder, {})


def test_stages_get_the_servers_and_nothing_else_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_tracking_server_answers_and_ends(tmp_path: Path, empty_mlflow: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    with tracking_server(tmp_path) as address, urlopen(f"{address}/health", timeout=30) as answer:
        assert answer.status == 200
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{address}/health", timeout=30)
