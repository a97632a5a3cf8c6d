"""The MLflow server that the environment names, against a stand-in."""

import base64
import socket
from email.message import Message

import pytest

from salt_pipeline.components.core.errors import ServiceError
from salt_pipeline.pipelines.cluster import http_errors
from salt_pipeline.pipelines.cluster.mlflow_server import server_address, server_version
from tests.pipelines.kfp_server import Server

pytestmark = pytest.mark.usefixtures("no_cluster")


class MlflowServer(Server):
    """Answers with a version, and records the credentials of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.credentials: list[str | None] = []

    def respond(self, method: str, path: str, body: bytes, headers: Message) -> tuple[int, str, bytes]:
        assert path == "/version"
        self.credentials.append(headers.get("authorization"))
        return self.status, "text/plain", b"3.1.4\n"


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("http://mlflow:5000/", "http://mlflow:5000"),
        ("https://mlflow.example/prefix", "https://mlflow.example/prefix"),
        ("sqlite:///mlflow.db", None),
        ("runs", None),
    ],
)
def test_only_an_http_address_is_a_server(monkeypatch: pytest.MonkeyPatch, value: str, address: str | None) -> None:
    assert server_address() is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", value)
    assert server_address() == address


def test_the_credentials_of_the_environment_take_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    with MlflowServer() as server:
        inside = server.url.replace("//", "//ada:from%2Faddress@")
        assert server_version(server.url) == server_version(inside) == "3.1.4"
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
        server_version(server.url)
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "from environment")
        server_version(inside)
    assert server.credentials == [None, basic("ada:from/address"), "Bearer t0ken", basic("bob:from environment")]


@pytest.mark.parametrize(
    ("status", "message", "passing"),
    [
        (401, r"rejected the credentials \(HTTP 401\): check MLFLOW_TRACKING_USERNAME", False),
        (403, r"rejected the credentials \(HTTP 403\)", False),
        (404, "answers with HTTP 404: check MLFLOW_TRACKING_URI", False),
        (503, "answers with HTTP 503", True),
    ],
)
def test_an_error_of_the_server_is_reported_with_its_status(status: int, message: str, passing: bool) -> None:
    with MlflowServer() as server:
        server.status = status
        with pytest.raises(ServiceError, match=message) as caught:
            server_version(server.url)
    assert (caught.value.status, caught.value.passing) == (status, passing)


def test_a_server_that_does_not_answer_is_reported_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_errors, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServiceError, match=f"{address}/version: cannot be reached: no answer in time"):
            server_version(address)
