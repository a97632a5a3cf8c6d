"""Fixes for the failures of servers that `salt doctor` most likely finds."""

from salt_pipeline.components.core.errors import SaltError, ServiceError
from salt_pipeline.components.core.store.failures import code_of
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.http_errors import is_loopback
from salt_pipeline.pipelines.cluster.kfp import KfpError
from salt_pipeline.pipelines.cluster.settings import ClusterSettings

KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")
"""S3's error codes for wrong keys."""


def forward(namespace: str, service: str, ports: str) -> str:
    """For a service of the cluster that does not answer at a forwarded port."""
    return (
        f"kubectl -n {namespace} port-forward service/{service} {ports}; "
        f"if it is stopped: kubectl -n {namespace} get pods"
    )


def store(error: SaltError, settings: StoreSettings, namespace: str) -> str:
    """For an object store that rejects a call or does not answer."""
    code = code_of(error)
    if code == "NoSuchBucket":
        return f"salt cluster init makes the bucket {settings.bucket}, or set SALT_S3_BUCKET to one that exists"
    if code in KEYS:
        return "set SALT_S3_ACCESS_KEY and SALT_S3_SECRET_KEY to the store's keys: docs/cluster.md, step 4"
    if code is None and is_loopback(settings.endpoint or ""):
        return forward(namespace, names.MINIO, "9000")
    return "check SALT_S3_ENDPOINT, and that the store runs and can be reached from here" if code is None else ""


def mlflow(address: str, namespace: str) -> str:
    """For an MLflow server that does not answer."""
    if is_loopback(address):
        return f"{forward(namespace, names.MLFLOW, '5000')}; of this machine: make up, or unset MLFLOW_TRACKING_URI"
    return "check MLFLOW_TRACKING_URI, and that the server runs and can be reached from here"


def kubeflow(error: KfpError, settings: ClusterSettings) -> str:
    """For a Kubeflow Pipelines that does not answer as its API does."""
    if error.status in (401, 403) or 300 <= (error.status or 0) < 400:
        return "set SALT_KFP_TOKEN_FILE or SALT_KFP_COOKIE: docs/cluster.md, Multi-user Kubeflow"
    if error.status is None and is_loopback(settings.kfp_url):
        return forward(settings.kfp_namespace, names.KFP_API_DEPLOYMENT, "8888")
    return "check SALT_KFP_URL, and that the API runs and can be reached from here"


def kubernetes(error: ServiceError) -> str:
    """For a Kubernetes that does not answer, or denies the permission."""
    if error.status is None and not error.passing:
        return "export KUBECONFIG=..., or for kind: kind export kubeconfig --name salt"
    if error.status is None:
        return "kubectl cluster-info: does the cluster run, and is KUBECONFIG that of this cluster?"
    return "kubectl auth whoami: does the kubeconfig's user have permission to read this?"
