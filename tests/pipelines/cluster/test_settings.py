"""The settings of the cluster, from the environment."""

import pytest

from tests.pipelines.cluster.multi_user_server import MultiUserServer
from tests.pipelines.command import fails


def test_kfp_s_own_variable_names_the_api(kubeflow: MultiUserServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALT_KFP_URL")
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", kubeflow.url)
    assert f"Kubeflow Pipelines at {kubeflow.url}: redirects" in fails("runs")
