"""Calls to Kubernetes, against a stand-in."""

from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from tests.pipelines.kube_server import KubeServer


@pytest.fixture
def kube(kubernetes: KubeServer) -> Kube:
    return Kube("kubeflow")


def test_an_object_that_does_not_exist_is_none(kube: Kube) -> None:
    assert kube.config_map("settings") is None
    assert kube.secret("keys") is None
    assert kube.log("pod") is None
    assert kube.workflow("run") == {}
    assert not kube.has_role("nobody")


def test_data_is_decoded_and_missing_data_is_empty(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.put("secrets", "keys", {"access": "a:b"})
    kubernetes.put("configmaps", "settings", {"region": "eu"})
    kubernetes.objects["configmaps"]["empty"] = {"metadata": {"name": "empty"}}
    kubernetes.objects["secrets"]["empty"] = {"metadata": {"name": "empty"}}
    assert kube.secret("keys") == {"access": b"a:b"}
    assert kube.config_map("settings") == {"region": "eu"}
    assert kube.config_map("empty") == {}
    assert kube.secret("empty") == {}


def test_another_namespace_of_the_same_cluster(kubernetes: KubeServer, kube: Kube) -> None:
    team = kube.at("team-a")
    team.config_map("settings")
    kube.config_map("settings")
    assert [path for _, path in kubernetes.asked] == [
        f"/api/v1/namespaces/{namespace}/configmaps/settings" for namespace in ("team-a", "kubeflow")
    ]


def test_a_secret_is_created_once_and_replaced_by_key(kubernetes: KubeServer, kube: Kube) -> None:
    kube.put_secret("keys", {"access": "a", "secret": "b"}, replace=False)
    assert kubernetes.objects["secrets"]["keys"]["metadata"]["labels"] == {"app.kubernetes.io/part-of": "salt-pipeline"}
    with pytest.raises(KubeError, match='409 secrets "keys" already exists') as caught:
        kube.put_secret("keys", {"access": "c"}, replace=False)
    assert caught.value.status == 409
    kube.put_secret("keys", {"access": "c"}, replace=True)
    assert kubernetes.secret("keys") == {"access": "c", "secret": "b"}


def test_a_missing_permission_is_distinguished_from_a_failure(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.forbidden = {"secrets", "serviceaccounts"}
    with pytest.raises(KubeError, match="Kubernetes: answers with an error: 403 secrets is forbidden") as denied:
        kube.secret("keys")
    assert (denied.value.denied, denied.value.passing) == (True, False)
    assert not kube.has_role("salt-runner")  # without the permission to read it, none is assumed
    kubernetes.fault = "500"
    with pytest.raises(KubeError, match="500") as failed:
        kube.has_role("salt-runner")
    assert (failed.value.denied, failed.value.passing) == (False, True)


def test_an_empty_annotation_is_no_role(kubernetes: KubeServer, kube: Kube) -> None:
    account = kubernetes.objects["serviceaccounts"]["salt-runner"]["metadata"]
    account["annotations"] = {"eks.amazonaws.com/role-arn": ""}
    assert not kube.has_role("salt-runner")
    account["annotations"] = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/salt"}
    assert kube.has_role("salt-runner")


def test_an_answer_of_another_program_is_not_worth_a_retry(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.fault = "html"
    with pytest.raises(KubeError, match=f"Kubernetes: {kubernetes.url} cannot be understood") as caught:
        kube.version()
    assert not caught.value.passing


def test_an_unreachable_server_is_reported_with_its_address(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.__exit__()
    with pytest.raises(
        KubeError, match=f"Kubernetes: {kubernetes.url} cannot be reached: connection refused"
    ) as caught:
        kube.config_map("settings")
    assert caught.value.passing


def test_the_workflow_of_a_run_is_found_by_its_label(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.workflows = [{"metadata": {"name": "salt-x7k2p"}}]
    assert kube.workflow("r1") == kubernetes.workflows[0]
    assert kubernetes.asked[-1][1].endswith("/namespaces/kubeflow/workflows?labelSelector=pipeline%2Frunid%3Dr1")


def test_a_kubernetes_that_is_slow_or_fails_is_reported(
    kubernetes: KubeServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salt_pipeline.pipelines.cluster.kube.ANSWER_SECONDS", 0.2)
    kubernetes.fault = "slow"
    with pytest.raises(SaltError, match="cannot be reached: no answer in time"):
        kube.version()
    kubernetes.fault = "html"
    with pytest.raises(SaltError, match="Kubernetes: "):
        kube.version()
    kubernetes.fault = "500"
    with pytest.raises(SaltError, match="answers with an error: 500 it broke in two lines"):
        kube.version()


@pytest.mark.parametrize("content", ["{not: [yaml", None], ids=["invalid", "missing"])
def test_an_unusable_kubeconfig_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "kubeconfig").write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(SaltError, match="no configuration: check KUBECONFIG"):
        Kube("kubeflow")
