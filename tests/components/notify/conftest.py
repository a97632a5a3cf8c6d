"""A server that receives notifications."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from salt_pipeline.components.notify import stage


class Hook(HTTPServer):
    """A server with its answers in order, and the requests that it received."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.sent: list[Any] = []
        self.answers: list[int] = []


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A server whose address is in the environment."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.sent.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(server.answers.pop(0) if server.answers else 200)
            self.end_headers()

    server = Hook(Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("SALT_NOTIFY_URL", f"http://127.0.0.1:{server.server_address[1]}/services/s3cr3t")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(stage, "PAUSE_SECONDS", 0)
    yield server
    server.shutdown()
    server.server_close()
