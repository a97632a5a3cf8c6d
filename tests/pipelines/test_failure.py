from pathlib import Path

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.pipelines.failure import failure

BEFORE = """\
12:00:00 - INFO - Executing task 'ingest'
    [KFP Executor INFO]: Looking for component `ingest`
"""
AFTER = """\
12:00:01 - INFO - Task 'ingest' finished with status FAILURE
12:00:01 - ERROR - Pipeline 'salt' finished with status FAILURE.
"""


def reported(tmp_path: Path, text: str, began: int = 0) -> str:
    log = tmp_path / "log.txt"
    log.write_text(text)
    return failure(log, began, tmp_path / "log-debug.txt")


def test_only_the_error_of_the_user_is_shown(tmp_path: Path) -> None:
    text = f"{BEFORE}    {MARK}a.zip: masks/b.png: is not a PNG\n{AFTER}"
    assert reported(tmp_path, text) == f"{MARK}a.zip: masks/b.png: is not a PNG"


def test_a_list_of_errors_is_shown_in_full(tmp_path: Path) -> None:
    text = f"{BEFORE}      {MARK}a.zip has 2 problems\n        - b.png: is black\n        - c.png: is missing\n{AFTER}"
    assert reported(tmp_path, text).splitlines() == [
        f"{MARK}a.zip has 2 problems",
        "  - b.png: is black",
        "  - c.png: is missing",
    ]


def test_an_error_of_two_jobs_is_shown_once_and_another_one_as_well(tmp_path: Path) -> None:
    text = (
        f"{MARK}weights.pth: is missing\n{BEFORE}   {MARK}weights.pth: is missing\n- no mistake\n{MARK}other\n{AFTER}"
    )
    assert reported(tmp_path, text.replace("- no", "no")).splitlines() == [
        f"{MARK}weights.pth: is missing",
        f"{MARK}other",
    ]


def test_a_list_of_two_jobs_is_shown_once(tmp_path: Path) -> None:
    text = f"{MARK}a.zip has 2 problems\n  - b.png: is black\n  - c.png: is missing\n{AFTER}"
    assert reported(tmp_path, text + text) == reported(tmp_path, text)


def test_two_lists_with_an_item_in_common_are_shown_in_full(tmp_path: Path) -> None:
    text = f"{MARK}first\n  - same\n{AFTER}{MARK}second\n  - same\n  - other\n{AFTER}"
    assert reported(tmp_path, text).splitlines() == [
        f"{MARK}first",
        "  - same",
        f"{MARK}second",
        "  - same",
        "  - other",
    ]


def test_without_a_reported_error_the_end_of_the_log_and_its_path_are_shown(tmp_path: Path) -> None:
    lines = [f"line {i}" for i in range(40)]
    shown = reported(tmp_path, "\n".join(lines)).splitlines()
    assert shown[:-1] == lines[-15:]
    assert shown[-1] == f"the complete log: {tmp_path / 'log-debug.txt'}"


def test_an_error_of_an_earlier_attempt_is_not_shown(tmp_path: Path) -> None:
    old = f"{MARK}old mistake\n"
    assert reported(tmp_path, f"{old}{MARK}new mistake\n", began=len(old)) == f"{MARK}new mistake"


def test_a_log_with_invalid_text_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"\xff\xfe\n" + f"{MARK}é\n".encode() + b"\xc3")
    assert failure(log, 0, log) == f"{MARK}é"
