"""No password of an address is printed or written, whatever fails: real commands in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.pipelines.kfp_server import Server

pytestmark = pytest.mark.usefixtures("no_cluster")

WORD = "hunter2SECRET"

FAULTS = ("401", "403", "404", "500", "html")

SALT = "from salt_pipeline.pipelines.cli.main import main; main()"

TRACKING = """
import logging, os, sys
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.tracking.tracking import Tracking
logging.basicConfig(level=logging.DEBUG)
for address in sys.argv[1:]:
    os.environ["MLFLOW_TRACKING_URI"] = address
    with exit_on_error():
        tracking = Tracking("first")
        job = tracking.job("lite0", 0)
        job.params({"seed": 1})
        job.end()
        tracking.close(patience=0)
    sys.stderr.write("the end of a job\\n")  # in one piece, beside the threads that log
"""
"""The record of a job at each of some addresses, with every library's log lines."""


@pytest.fixture
def other() -> Iterator[Server]:
    """A server that fails in several ways."""
    with Server() as server:
        yield server


def said(program: str, *words: str, **variables: str) -> tuple[int, str]:
    """The exit code of a Python program, and all that it printed and all that it wrote into the current folder."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=os.environ | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    written = [path.read_bytes().decode(errors="replace") for path in Path().rglob("*") if path.is_file()]
    text = "\n".join([done.stdout, done.stderr, *written])
    assert WORD not in text
    assert WORD.encode().hex() not in text
    return done.returncode, text


def hidden(address: str) -> str:
    """The same address with a user and a password."""
    return address.replace("://", f"://user:{WORD}@")


def test_a_job_that_cannot_record_continues_and_shows_no_password() -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(Server()) for _ in FAULTS]
        for server, fault in zip(servers, FAULTS, strict=True):
            server.fault = fault
        code, text = said(TRACKING, *(hidden(server.url) for server in servers))
    assert (code, text.count("Traceback")) == (0, 0)
    jobs = text.split("the end of a job\n")[:-1]
    assert len(jobs) == len(FAULTS)
    for job in jobs:
        assert "http://***@127.0.0.1" in job
        assert "not recorded in MLflow" in job


def test_a_job_without_a_server_shows_no_password() -> None:
    addresses = [
        f"http://user:{WORD}@127.0.0.1:9",
        f"gs://{WORD}@bucket/x",
        f"user:{WORD}@mlflow",
        f"http://u:{WORD}@h:abc",
    ]
    code, text = said(TRACKING, *addresses)
    assert (code, text.count("Traceback")) == (0, 0)
    jobs = text.split("the end of a job\n")[:-1]
    assert len(jobs) == len(addresses)
    assert all("***@" in job for job in jobs)


def test_a_token_that_the_client_refuses_is_not_shown(other: Server) -> None:
    code, text = said(TRACKING, other.url, MLFLOW_TRACKING_TOKEN=f"{WORD}\n{WORD}")
    assert (code, text.count("Traceback")) == (0, 0)


@pytest.mark.parametrize("command", [("runs",), ("compare", "a", "b"), ("doctor",)])
def test_commands_that_ask_servers_show_no_password(other: Server, command: tuple[str, ...]) -> None:
    other.fault = "401"
    code, text = said(
        SALT,
        *command,
        MLFLOW_TRACKING_URI=hidden(other.url),
        SALT_S3_ENDPOINT=hidden("http://127.0.0.1:9"),
        HTTP_PROXY=hidden("http://127.0.0.1:9"),
        SALT_KFP_TOKEN=WORD,
    )
    assert (code > 0, text.count("Traceback")) == (True, 0)


def test_a_store_with_a_password_in_its_address_is_refused_without_it(tmp_path: Path) -> None:
    (tmp_path / "a.zip").touch()
    code, text = said(
        SALT,
        "run",
        "--data",
        "s3://salt/a.zip",
        SALT_S3_ENDPOINT=hidden("http://127.0.0.1:9"),
        SALT_S3_SECRET_KEY=WORD,
    )
    assert (code, text.count("Traceback")) == (2, 0)
    assert "SALT_S3_ENDPOINT: accepts no user, path or query (found 'http://***@127.0.0.1:9'" in text


def test_an_address_for_notifications_that_fails_is_not_shown() -> None:
    program = """
import logging
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.notify import stage
logging.basicConfig(level=logging.DEBUG)
stage.PAUSE_SECONDS = 0
with exit_on_error():
    stage.notify("a", "FAILED", {}, "")
"""
    code, text = said(program, SALT_NOTIFY_URL=f"http://127.0.0.1:9/services/{WORD}")
    assert (code, text.count("Traceback")) == (0, 0)
    assert "not notified: ConnectionRefusedError" in text
