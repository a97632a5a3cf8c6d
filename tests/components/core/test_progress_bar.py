import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from salt_pipeline.components.core.progress_bar import (
    at_terminal,
    bar,
    latest_lines,
    progress,
    stderr_console,
    transfer,
)


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_without_a_terminal_the_first_and_the_last_amount_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with bar("predicting", lambda done, total: f"{done} of {total} tiles", seconds=3600) as show:
        for done in range(1, 6):
            show(done, 5)
    assert caplog.messages == ["predicting: 1 of 5 tiles", "predicting: 5 of 5 tiles"]


def test_a_line_is_logged_when_the_interval_has_passed(caplog: pytest.LogCaptureFixture) -> None:
    with bar("predicting", lambda done, total: f"{done} of {total}", seconds=0) as show:
        show(1, 3)
        show(2, 3)
    assert caplog.messages == ["predicting: 1 of 3", "predicting: 2 of 3"]


def test_a_transfer_is_logged_in_megabytes(caplog: pytest.LogCaptureFixture) -> None:
    with transfer("uploading survey.zip") as show:
        show(2_000_000, 2_500_000)
        show(2_500_000, 2_500_000)
    assert caplog.messages == ["uploading survey.zip: 2.0 of 2.5 MB", "uploading survey.zip: 2.5 of 2.5 MB"]


def test_items_are_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    assert list(progress(["a", "b"], "reading images")) == ["a", "b"]
    assert list(progress(iter("abc"), "blending", total=3000)) == ["a", "b", "c"]
    assert caplog.messages == [
        "reading images: 0 of 2",
        "reading images: 2 of 2",
        "blending: 0 of 3,000",
        "blending: 3,000 of 3,000",
    ]


def test_only_selected_lines_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with latest_lines(lambda line: line.startswith("Step ")) as show:
        show("ingest", "Step 1/3")
        show("ingest", "Downloading 3 %")
    assert caplog.messages == ["ingest: Step 1/3"]


PROGRAM = """
import logging
logging.basicConfig(level=logging.INFO)
from salt_pipeline.components.core.progress_bar import latest_lines, progress, transfer
list(progress(range(3), "reading images"))
with transfer("uploading survey.zip") as show:
    show(1e6, 2e6)
with latest_lines(lambda line: True) as show:
    show("ingest", "Step 1/3")
"""


def test_a_terminal_gets_bars_and_no_lines() -> None:
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=slave, stdout=slave, env=environment)
    os.close(slave)
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:  # the program has ended
        pass
    os.close(master)
    assert process.wait() == 0
    shown = text.decode()
    assert all(part in shown for part in ("reading images", "uploading survey.zip", "MB", "ingest: Step 1/3"))
    assert "INFO" not in shown


def test_a_pipe_is_no_terminal_whatever_takes_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with Path(os.devnull).open("w") as pipe:
        monkeypatch.setattr(sys, "stderr", pipe)
        assert not stderr_console().is_terminal
        with at_terminal() as bars:
            assert bars is None
