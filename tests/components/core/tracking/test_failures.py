"""What is reported of a server that is no MLflow, fails, or rejects the client."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, TEMPORARILY_UNAVAILABLE

from salt_pipeline.components.core.tracking.experiment import open_experiment
from salt_pipeline.components.core.tracking.failures import TrackingError, is_refusal, tracking_error
from salt_pipeline.components.core.tracking.server import open_client


class Answer(BaseHTTPRequestHandler):
    """Answers with the status and the body that the path names, as /status/body."""

    def do_GET(self) -> None:
        _, status, body, *_ = self.path.split("/")
        self.send_response(int(status))
        self.end_headers()
        self.wfile.write({"html": b"<html>a page</html>", "json": b'{"detail": "nothing here"}'}[body])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    """A server that is not MLflow's; its address has a password."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://me:hidden-word@127.0.0.1:{server.server_port}"
    server.shutdown()


def failure(address: str) -> TrackingError:
    """What is reported when the experiment is opened there."""
    with pytest.raises(Exception, match=r"(?s).*") as caught:
        open_experiment(open_client(address))
    error = tracking_error(caught.value, address)
    assert "\n" not in str(error)
    assert "hidden-word" not in str(error)
    assert "http://***@127.0.0.1:" in str(error)
    return error


@pytest.mark.parametrize(
    ("answer", "words", "passing"),
    [
        ("401/html", "rejected the credentials (HTTP 401): check MLFLOW_TRACKING_USERNAME", False),
        ("403/html", "denied the permission (HTTP 403): check MLFLOW_TRACKING_USERNAME", False),
        ("404/html", "no MLflow server answers there (HTTP 404): check MLFLOW_TRACKING_URI", False),
        ("404/json", "no MLflow server answers there: check MLFLOW_TRACKING_URI", False),
        ("200/html", "no MLflow server answers there: check MLFLOW_TRACKING_URI", False),
        ("200/json", "no MLflow server answers there: check MLFLOW_TRACKING_URI", False),
        ("500/html", "answers with HTTP 500", True),
        ("503/html", "answers with HTTP 503", True),
        ("429/html", "answers with HTTP 429", True),
    ],
)
def test_each_refusal_of_a_server_is_named(
    other: str, monkeypatch: pytest.MonkeyPatch, answer: str, words: str, passing: bool
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    error = failure(f"{other}/{answer}")
    assert words in str(error)
    assert error.passing == passing


def test_an_address_where_nothing_listens_may_answer_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failure(f"http://me:hidden-word@127.0.0.1:{taken.getsockname()[1]}")
    assert "cannot be reached: connection refused" in str(error)
    assert error.passing


@pytest.mark.parametrize(
    ("error", "words", "passing"),
    [
        (
            LookupError("Can't load plugin: sqlalchemy.dialects:mysql.none"),
            "names a database or a driver that is not known: check MLFLOW_TRACKING_URI",
            False,
        ),
        (ModuleNotFoundError("No module named 'psycopg'"), "its driver is not installed", False),
        (
            PermissionError(13, "Permission denied", "/home"),
            "/home: cannot be used by MLflow: Permission denied",
            False,
        ),
        (OSError(36, "File name too long", "/a"), "/a: cannot be used by MLflow: File name too long", False),
        (OSError(28, "No space left on device", "/a"), "/a: cannot be used by MLflow: No space left on device", True),
        (OSError(28, "No space left on device"), "failed (found [Errno 28] No space left on device)", True),
        (MlflowException("no such thing", RESOURCE_DOES_NOT_EXIST), "failed (found no such thing)", False),
        (MlflowException("busy\nnow", TEMPORARILY_UNAVAILABLE), "failed (found busy)", True),
        (TimeoutError(), "failed (found TimeoutError)", True),
    ],
)
def test_other_errors_are_described_in_one_line(error: Exception, words: str, passing: bool) -> None:
    found = tracking_error(error, "sqlite:///mlflow.db")
    assert words in str(found)
    assert found.passing == passing


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (MlflowException("deleted", RESOURCE_DOES_NOT_EXIST), True),
        (MlflowException("busy", TEMPORARILY_UNAVAILABLE), False),
        (FileNotFoundError("missing"), True),
        (ConnectionError("no route"), False),
    ],
)
def test_an_error_that_would_be_repeated_is_a_refusal(error: Exception, refused: bool) -> None:
    assert is_refusal(error) == refused
