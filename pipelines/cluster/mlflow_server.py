"""The MLflow server that the environment names."""

import os
from urllib.parse import unquote, urlsplit

from salt_pipeline.components.core.errors import ServiceError
from salt_pipeline.pipelines.cluster.http_errors import ask, may_pass


def server_address() -> str | None:
    """Its address; None if MLFLOW_TRACKING_URI is not set or names a file."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    return address.rstrip("/") if address.startswith(("http://", "https://")) else None


def server_version(address: str) -> str:
    """Asks a server for its version, with the credentials that MLflow's client would send.

    Raises:
        ServiceError: If it cannot be reached, rejects the credentials, or is not an MLflow server.
    """
    status, text, _ = ask(
        f"{address}/version", os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"), _credentials(address)
    )
    server = f"MLflow at {address}"
    if status in (401, 403):
        variables = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        raise ServiceError(f"rejected the credentials (HTTP {status}): check {variables}", file=server, status=status)
    if status != 200:
        problem = f"answers with HTTP {status}: check MLFLOW_TRACKING_URI"
        raise ServiceError(problem, file=server, status=status, passing=may_pass(status))
    return text.strip()


def _credentials(address: str) -> dict[str, str]:
    from urllib3.util import make_headers

    parts = urlsplit(address)
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or unquote(parts.username or "")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or unquote(parts.password or "")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if user:
        return make_headers(basic_auth=f"{user}:{password}")
    return {"authorization": f"Bearer {token}"} if token else {}
