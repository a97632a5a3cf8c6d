import multiprocessing
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError, SaltErrors, ServiceError, exit_on_error

TYPE = SaltError("wrong type", file="a.parquet", field="map", found="int8", expected="uint8")
BUSY = ServiceError("is busy", file="http://me:word@store", found="HTTP 503", status=503, passing=True)


def test_message_names_file_field_found_and_expected() -> None:
    assert str(TYPE) == "a.parquet: map: wrong type (found int8, expected uint8)"


def test_what_no_terminal_can_show_is_escaped_and_stays_on_one_line() -> None:
    error = SaltError("is wrong", file="a\n\udcff\x1b[1m.png", found="b\r")
    assert str(error) == r"a\n\udcff\x1b[1m.png: is wrong (found b\r)"
    assert str(SaltErrors("a\nb", [SaltError("c\nd")])) == "a\\nb\n  - c\\nd"


def test_an_empty_name_is_shown() -> None:
    assert str(SaltError("is a folder", file="", field="")) == "'': '': is a folder"


def test_not_all_of_a_very_long_part_is_shown() -> None:
    assert str(SaltError("is wrong", found="x" * 1001)) == f"is wrong (found {'x' * 1000}...)"


def test_an_error_keeps_its_parts_as_the_message_shows_them() -> None:
    error = SaltError("is wrong", file=Path("a/b"), found=0, expected="http://me:word@host")
    parts = error.problem, error.file, error.field, error.found, error.expected
    assert parts == ("is wrong", "a/b", None, "0", "http://***@host")
    assert "word" not in repr(vars(error))


def test_a_service_error_has_its_status_and_whether_it_may_pass() -> None:
    assert str(BUSY) == "http://***@store: is busy (found HTTP 503)"
    assert (BUSY.status, BUSY.passing) == (503, True)
    silent = ServiceError("does not answer")
    assert (silent.status, silent.passing) == (None, False)


def test_it_is_not_a_value_error() -> None:
    assert not isinstance(TYPE, ValueError)


@pytest.mark.parametrize("error", [TYPE, BUSY, SaltErrors("two problems", [TYPE, BUSY])])
def test_pickling_does_not_change_an_error(error: SaltError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
    if isinstance(error, SaltErrors):
        assert [vars(problem) for problem in again.problems] == [vars(problem) for problem in error.problems]
    else:
        assert vars(again) == vars(error)


def test_an_error_is_passed_on_from_a_forked_process() -> None:
    # A lock cannot be pickled; an error keeps its parts as texts.
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        future = pool.submit(refuse_a_lock)
        with pytest.raises(SaltErrors, match="one problem") as caught:
            future.result()
    assert str(caught.value.problems[0].found).startswith("<unlocked _thread.lock")


def refuse_a_lock() -> None:
    raise SaltErrors("one problem", [SaltError("is wrong", found=threading.Lock())])


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({}, "is wrong"),
        ({"file": "f"}, "f: is wrong"),
        ({"field": "key"}, "key: is wrong"),
        ({"found": 0}, "is wrong (found 0)"),
        ({"found": "", "expected": 3}, "is wrong (found , expected 3)"),
    ],
)
def test_message_omits_parts_that_are_not_given_but_not_falsy_ones(facts: dict[str, Any], message: str) -> None:
    assert str(SaltError("is wrong", **facts)) == message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:word@mlflow:5000/x", "http://***@mlflow:5000/x"),
        ("see https://token@host and http://a:b@c", "see https://***@host and http://***@c"),
        ("https://host/repository@sha256:12", "https://host/repository@sha256:12"),
        ("s3://bucket/key of a@b", "s3://bucket/key of a@b"),
    ],
)
def test_credentials_in_an_address_are_hidden(text: str, shown: str) -> None:
    assert str(SaltError("is wrong", file=text)) == f"{shown}: is wrong"
    assert shown in str(SaltErrors("all", [SaltError(text)]))


def test_several_problems_are_all_listed() -> None:
    problems = [SaltError("not found", file="b.png"), SaltError("is too large", file="c.png")]
    error = SaltErrors("the archive has 2 problems", problems)
    assert str(error).splitlines() == [
        "the archive has 2 problems",
        "  - b.png: not found",
        "  - c.png: is too large",
    ]
    assert error.problems == problems
    assert isinstance(error, SaltError)


@pytest.mark.parametrize(
    ("error", "code"),
    [(TYPE, 2), (BUSY, 2), (SaltErrors("two problems", [TYPE, BUSY]), 2), (OSError("disk is full"), 2)],
)
def test_exit_on_error_ends_with_a_code_and_no_traceback(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop, exit_on_error():
        raise error
    assert stop.value.code == code
    assert capsys.readouterr().err == f"salt: error: {error}\n"


@pytest.mark.parametrize("error", [AssertionError("ours"), ValueError("ours")])
def test_exit_on_error_does_not_catch_programming_errors(error: Exception) -> None:
    with pytest.raises(type(error)), exit_on_error():
        raise error


def test_exit_on_error_does_nothing_without_an_error() -> None:
    with exit_on_error():
        value = 1
    assert value == 1


def test_exit_on_error_names_the_file_and_no_number_of_the_system(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), exit_on_error():
        Path("x" * 300).stat()
    assert capsys.readouterr().err == f"salt: error: {'x' * 300}: File name too long\n"
