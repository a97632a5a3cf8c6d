"""The address that is notified of the end of a run."""

import pytest

from tests.pipelines.command import fails
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]
ADDRESS = "https://hooks.example/services/T0/B1/s3cr3t"


@pytest.mark.minio
def test_without_the_right_to_write_secrets_nothing_is_submitted(
    ready: str, kfp: KfpServer, kubernetes: KubeServer
) -> None:
    kubernetes.forbidden = {"secrets"}
    said = fails("submit", "--data", ready, *SMOKE, "--notify", ADDRESS)
    last = said.splitlines()[-1]
    assert "Secret kubeflow/salt-notify-" in last
    assert "no permission to write it: ask somebody who has it to create it once, with the address as SALT_" in last
    assert "s3cr3t" not in said
    assert not kfp.runs


def test_an_address_that_is_none_is_refused_without_being_shown(kfp: KfpServer) -> None:
    said = fails("submit", "--data", "s3://s/x", "--notify", "hooks.example/s3cr3t")
    assert "--notify: is not an address (expected https://...)" in said
    assert "s3cr3t" not in said
