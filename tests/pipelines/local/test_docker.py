"""Tests that need no Docker engine; those in tests/docker run containers."""

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.docker import docker_runner
from salt_pipeline.pipelines.local.folder import RunFolder


def test_without_an_engine_there_is_no_runner(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SaltError, match="no Docker engine answers"):
        docker_runner(folder, {})
