"""Clients of the stand-in servers, and a multi-user Kubeflow."""

from collections.abc import Iterator

import pytest

from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from tests.pipelines.cluster.multi_user_server import MultiUserServer
from tests.pipelines.kfp_server import KfpServer


@pytest.fixture
def api(kfp: KfpServer) -> Kfp:
    """A client of the stand-in for Kubeflow Pipelines."""
    return Kfp(cluster_settings())


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch, no_cluster: None) -> Iterator[MultiUserServer]:
    """A multi-user Kubeflow that the environment names; there is no session."""
    with MultiUserServer() as server:
        monkeypatch.setenv("SALT_KFP_URL", server.url)
        yield server


@pytest.fixture
def logged_in(kubeflow: MultiUserServer, monkeypatch: pytest.MonkeyPatch) -> MultiUserServer:
    """The same, and the environment has the cookie of a log-in."""
    monkeypatch.setenv("SALT_KFP_COOKIE", kubeflow.cookie)
    return kubeflow
