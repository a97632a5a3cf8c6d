from pathlib import Path

import pytest

from salt_pipeline.pipelines.local.readable_log import ReadableLog


@pytest.fixture
def log(tmp_path: Path) -> ReadableLog:
    (tmp_path / "debug").write_text("of an earlier attempt\n")
    return ReadableLog(tmp_path / "debug", tmp_path / "readable")


def write(log: ReadableLog, text: str) -> None:
    with log.debug.open("a") as file:
        file.write(text)


def test_lines_are_copied_once_and_only_when_they_are_complete(log: ReadableLog) -> None:
    for part in ("first\nsec", "ond", "\n", ""):
        write(log, part)
        log.follow()
    assert log.readable.read_text() == "first\nsecond\n"


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_it_does_not_matter_how_the_text_arrives(log: ReadableLog, at_once: int) -> None:
    outputs = "12:05:00.021 - INFO - Task 'ingest' outputs:\n    dataset: 'a'\n"
    data = f"{outputs}[KFP Executor 2026-11-27 12:04:58,461 INFO]: é\n".encode()
    found = []
    for start in range(0, len(data), at_once):
        with log.debug.open("ab") as file:
            file.write(data[start : start + at_once])
        found += log.follow()
    assert found == log.readable.read_text().splitlines() == ["12:04:58 é"]


def test_an_attempt_begins_with_its_date_on_one_line(log: ReadableLog) -> None:
    log.begin("first-4f2a90\n2 jobs")
    (line,) = log.readable.read_text().splitlines()
    date, time, _, words = line.split(" ", 3)
    assert (date.count("-"), time.count(":"), words) == (2, 2, r"first-4f2a90\n2 jobs")
