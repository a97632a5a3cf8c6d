from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.pipelines.cluster.kfp import KfpError
from salt_pipeline.pipelines.cluster.kube import KubeError
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.doctor import fixes
from salt_pipeline.pipelines.doctor.run import examine

pytestmark = pytest.mark.usefixtures("no_cluster")


@pytest.fixture(scope="module")
def unreachable() -> Any:
    """The verdicts if no server runs: nothing listens at port 9 (`discard`)."""
    address = "http://127.0.0.1:9"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALT_KFP_URL", address)
        patch.setenv("SALT_S3_ENDPOINT", address)
        patch.setenv("SALT_S3_ACCESS_KEY", "a")
        patch.setenv("SALT_S3_SECRET_KEY", "b")
        patch.setenv("MLFLOW_TRACKING_URI", address)
        patch.setenv("KUBECONFIG", "/no/such/kubeconfig")
        return {one.check: one for one in examine(cluster_settings(), 30)}


@pytest.mark.parametrize(
    ("check", "fix"),
    [
        (
            "bucket",
            "kubectl -n kubeflow port-forward service/salt-minio 9000; if it is stopped: kubectl -n kubeflow get pods",
        ),
        ("MLflow", "kubectl -n kubeflow port-forward service/salt-mlflow 5000; if it is stopped:"),
        ("Kubeflow Pipelines", "kubectl -n kubeflow port-forward service/ml-pipeline 8888; if it is stopped:"),
        ("Kubernetes", "export KUBECONFIG=..., or for kind: kind export kubeconfig --name salt"),
        ("Secrets", "export KUBECONFIG=..."),
    ],
)
def test_a_server_that_is_unreachable_has_a_fix(unreachable: Any, check: str, fix: str) -> None:
    assert unreachable[check].state in ("fail", "not checked")
    assert unreachable[check].fix.startswith(fix)
    assert "is it forwarded" not in unreachable[check].found


def test_the_fix_for_a_remote_server_names_its_variable() -> None:
    settings = StoreSettings(endpoint="http://store.invalid:9000", access_key="a", secret_key="b")
    assert "SALT_S3_ENDPOINT" in fixes.store(SaltError("the store does not answer"), settings, "kubeflow")
    assert "MLFLOW_TRACKING_URI" in fixes.mlflow("https://mlflow.invalid", "kubeflow")
    remote = cluster_settings(kfp_url="https://kfp.invalid")
    assert "SALT_KFP_URL" in fixes.kubeflow(KfpError("cannot be reached", "x"), remote)
    assert "SALT_KFP_TOKEN" in fixes.kubeflow(KfpError("rejected the credentials", "x", 401), remote)
    assert "kubectl cluster-info" in fixes.kubernetes(KubeError("cannot be reached"))
    assert "kubectl auth whoami" in fixes.kubernetes(KubeError("nodes is forbidden", 403))
