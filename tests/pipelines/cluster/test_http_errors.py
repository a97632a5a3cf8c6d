"""The messages for failures of HTTP calls, from servers that fail."""

import socket
import threading

import pytest

from salt_pipeline.components.core.errors import ServiceError
from salt_pipeline.pipelines.cluster import http_errors
from salt_pipeline.pipelines.cluster.http_errors import ask, is_loopback, may_pass, one_line, reason, timed_out
from tests.pipelines.kfp_server import Server
from tests.servers import free_port


@pytest.mark.parametrize(
    ("status", "passing"), [(None, True), (429, True), (500, True), (503, True), (400, False), (401, False)]
)
def test_only_a_busy_or_failing_server_is_worth_a_retry(status: int | None, passing: bool) -> None:
    assert may_pass(status) == passing


def test_white_space_becomes_single_spaces() -> None:
    assert one_line(" a\n  b\tc\r\n") == "a b c"
    assert one_line("ab cd", 5) == "ab cd"
    assert one_line("a\nb " + "x" * 500, 10) == "a b xxxxxx ..."


def test_an_error_without_a_message_is_named_by_its_type() -> None:
    assert reason(ConnectionResetError()) == "ConnectionResetError"
    assert reason(TimeoutError()) == "no answer in time"


def test_an_answer_has_a_status_a_text_and_a_date() -> None:
    with Server() as server:
        server.fault = "500"
        status, text, date = ask(server.url)
    assert status == 500
    assert "it broke" in text
    assert date is not None
    assert date.endswith("GMT")


def test_a_port_without_a_server_refuses_the_connection() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceError) as caught:
        ask(address)
    assert str(caught.value) == f"{address}: cannot be reached: connection refused"
    assert caught.value.passing


def test_a_server_that_does_not_answer_in_time_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_errors, "ANSWER_SECONDS", 0.1)
    with Server() as server:
        server.fault = "slow"
        with pytest.raises(ServiceError, match="cannot be reached: no answer in time") as caught:
            ask(server.url)
    assert timed_out(caught.value)


def test_a_server_without_tls_fails_the_handshake() -> None:
    with Server() as server, pytest.raises(ServiceError, match=r"cannot be reached: TLS fails \("):
        ask(server.url.replace("http:", "https:"))


def test_a_connection_that_is_closed_before_the_answer_was_interrupted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_at_once() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()

        threading.Thread(target=close_at_once, daemon=True).start()
        with pytest.raises(ServiceError, match="cannot be reached: the connection was interrupted") as caught:
            ask(f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert not timed_out(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8888", True),
        ("http://localhost/pipeline", True),
        ("https://user:word@[::1]:9000", True),
        ("http://kfp.example.org", False),
        ("http://localhost.example.org", False),
        ("http://127.example.org", False),
        ("https://localhost@example.org", False),
    ],
)
def test_only_a_loopback_address_is_this_machine_s(url: str, local: bool) -> None:
    assert is_loopback(url) == local
