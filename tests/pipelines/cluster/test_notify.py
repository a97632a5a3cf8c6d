"""The address that is notified of the end of a run."""

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.notify import secret_name, store_address
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from tests.pipelines.command import fails
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]
ADDRESS = "https://hooks.example/services/T0/B1/s3cr3t"


@pytest.mark.minio
def test_without_the_permission_to_write_secrets_nothing_is_submitted(
    ready: str, kfp: KfpServer, kubernetes: KubeServer
) -> None:
    kubernetes.forbidden = {"secrets"}
    said = fails("submit", "--data", ready, *SMOKE, "--notify", ADDRESS)
    last = said.splitlines()[-1]
    assert "Secret kubeflow/salt-notify-" in last
    assert "no permission to write it: ask somebody who has it to create it once, with the address as SALT_" in last
    assert "s3cr3t" not in said
    assert not kfp.runs


def test_submit_refuses_an_invalid_address_without_printing_it(kfp: KfpServer) -> None:
    said = fails("submit", "--data", "s3://s/x", "--notify", "hooks.example/s3cr3t")
    assert "--notify: is not an address (expected https://...)" in said
    assert "s3cr3t" not in said


def test_the_secret_of_an_address_is_created_once(kubernetes: KubeServer) -> None:
    settings = cluster_settings()
    for _ in range(2):
        store_address(settings, ADDRESS)
        assert kubernetes.secret(secret_name(ADDRESS)) == {"SALT_NOTIFY_URL": ADDRESS}
    assert secret_name(f"{ADDRESS}2") != secret_name(ADDRESS)


def test_an_existing_secret_is_enough_without_the_permission_to_create_one(kubernetes: KubeServer) -> None:
    kubernetes.forbidden = {"POST secrets"}
    with pytest.raises(SaltError, match=r"Secret kubeflow/salt-notify-\w{12}: --notify: no permission to write it"):
        store_address(cluster_settings(), ADDRESS)
    kubernetes.put("secrets", secret_name(ADDRESS), {"SALT_NOTIFY_URL": ADDRESS})
    store_address(cluster_settings(), ADDRESS)


def test_a_failure_of_kubernetes_is_reported(kubernetes: KubeServer) -> None:
    kubernetes.fault = "500"
    with pytest.raises(SaltError, match="Kubernetes: answers with an error: 500"):
        store_address(cluster_settings(), ADDRESS)


@pytest.mark.parametrize("address", ["ftp://hooks", "https://hooks.example/a b", "https://hooks.example/a\n"])
def test_an_invalid_address_is_not_printed(address: str) -> None:
    with pytest.raises(SaltError) as caught:
        secret_name(address)
    assert str(caught.value) == "--notify: is not an address (expected https://...)"
