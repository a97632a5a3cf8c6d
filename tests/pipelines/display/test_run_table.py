import io
from contextlib import suppress

import pytest
from rich.console import Console

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.pipelines.display.console import hide_progress, shows_progress
from salt_pipeline.pipelines.display.run_table import (
    Line,
    Row,
    as_line,
    as_table,
    changes,
    clock,
    job_name,
    live,
)

TRAINED = {"done": 7.5, "epochs": 10, "loss": 0.25, "score": 0.81234}
ROWS = [
    Row("ingest", state="succeeded", seconds=61),
    Row("lite0/fold1", "train-fold", "retrying", 122, 1, "attempt 1 of 3: pod [deleted]", TRAINED),
    Row("report"),
]


def text_of(*, terminal: bool) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=120, force_terminal=terminal, color_system=None), file


def test_the_table_has_a_row_for_each_stage_and_job() -> None:
    console, file = text_of(terminal=False)
    console.print(as_table(ROWS, "first: RUNNING", "root-driver: pending"))
    title, head, *shown, caption = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    assert title == "first: RUNNING"
    assert head == "stage or job state epoch loss metric time retries"
    assert shown == [
        "ingest succeeded 0:01:01",
        "lite0/fold1 train-fold: retrying 7.5/10 0.2500 0.8123 0:02:02 1 attempt 1 of 3: pod [deleted]",
        "report waiting",
    ]
    assert caption == "root-driver: pending"


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (Row("report"), "report: waiting"),
        (ROWS[1], "lite0/fold1: train-fold: retrying, retry 1, 0:02:02, attempt 1 of 3: pod [deleted]"),
        (
            Row("a/fold0", "predict", "running", progress=TRAINED),
            "a/fold0: predict: running, epoch 7/10, metric 0.8123",
        ),
        (
            Row("a/fold0", "train-fold", "running", progress={"done": 0.5, "epochs": 2}),
            "a/fold0: train-fold: running, epoch 0/2",
        ),
    ],
)
def test_a_row_is_written_as_one_line(row: Row, line: str) -> None:
    assert as_line(row) == line


def test_waiting_rows_have_no_line() -> None:
    assert [line.subject for line in changes(ROWS)] == ["ingest", "lite0/fold1"]


def test_without_a_terminal_a_line_is_printed_for_each_change() -> None:
    console, file = text_of(terminal=False)
    lines = [Line("a", 1, "a is [1]"), Line("b", None, "b")]
    with live(console, lambda: as_table([], ""), lambda: lines) as show:
        show()
        show()
        lines[0] = Line("a", 1, "the same state with another text")
        show()
        lines[0] = Line("a", 2, "a is 2")
        show()
    assert file.getvalue().splitlines() == ["a is [1]", "b", "a is 2"]


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_shown_of_a_run_whose_progress_is_hidden(terminal: bool) -> None:
    console, file = text_of(terminal=terminal)
    show_again = hide_progress()
    try:
        with live(console, lambda: as_table(ROWS, "first"), lambda: [Line("a", 1, "a")]) as show:
            show()
    finally:
        show_again()
    assert file.getvalue() == ""
    assert shows_progress()


def test_in_a_terminal_the_last_table_remains() -> None:
    console, file = text_of(terminal=True)
    state = "running"
    with live(console, lambda: as_table([Row("ingest", state=state)], "first"), list) as show:
        show()
        state = "succeeded"
    last = file.getvalue().rpartition("first")[2]
    assert last.split()[-2:] == ["ingest", "succeeded"]


def test_in_a_terminal_an_interrupt_removes_the_table() -> None:
    console, file = text_of(terminal=True)
    with suppress(KeyboardInterrupt), live(console, lambda: as_table(ROWS, "first"), list):
        shown = file.getvalue().count("first")
        raise KeyboardInterrupt
    assert file.getvalue().count("first") <= shown + 1  # it is drawn once more before it is erased


def test_a_job_is_named_by_short_encoder_and_fold() -> None:
    assert job_name(Job("tu-tf_efficientnet_lite1", 3)) == "lite1/fold3"


@pytest.mark.parametrize(("seconds", "text"), [(0, ""), (59.9, "0:00:59"), (3600 * 26 + 61, "26:01:01")])
def test_a_time_is_written_in_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text
