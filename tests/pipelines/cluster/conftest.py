"""Fixtures of a multi-user Kubeflow."""

from collections.abc import Iterator

import pytest

from tests.pipelines.cluster.multi_user_server import MultiUserServer


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch, no_cluster: None) -> Iterator[MultiUserServer]:
    """A multi-user Kubeflow that the environment names; nobody is logged in."""
    with MultiUserServer() as server:
        monkeypatch.setenv("SALT_KFP_URL", server.url)
        yield server


@pytest.fixture
def logged_in(kubeflow: MultiUserServer, monkeypatch: pytest.MonkeyPatch) -> MultiUserServer:
    monkeypatch.setenv("SALT_KFP_COOKIE", kubeflow.cookie)
    return kubeflow
