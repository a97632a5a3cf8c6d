"""Errors that the user can fix, each reported in one line."""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypedDict, Unpack

from salt_pipeline.components.core.redaction import RedactedRecord, redacted, redactor

MARK = "salt: error: "
"""Beginning of a line that reports an error, in a terminal, a pod's log and a local run's log."""

NOTICE = "salt: warning: "
"""Beginning of a warning that is shown at the terminal too, not only in the log of a local run."""

LONGEST = 1000
"""Characters of each part of an error that are shown; only a value that is none of ours, or a deep path, has more."""


def one_line(value: object) -> str:
    """The text of a value on one line; characters that no terminal can show, as in a file's name, are escaped."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Facts(TypedDict, total=False):
    """What an error says beside its problem; `SaltError` describes each part."""

    file: str | Path | None
    field: str | None
    found: object
    expected: object


class SaltError(Exception):
    """Something the user can fix: where it is, what was found, what was expected.

    The parts are kept as the texts that the message shows, each on one line, without credentials and not all of a very
    long one, so that an error can be sent to another process whatever it was made of.

    Args:
        problem: What is wrong, in a few words.
        file: The file (or folder, or URI) it is in.
        field: The column, key or option it is about.
        found: What is there.
        expected: What should be there.
    """

    def __init__(self, problem: str, **facts: Unpack[Facts]) -> None:
        redact = redactor()
        self.problem = _text(problem, redact) or ""
        self.file, self.field = _text(facts.get("file"), redact), _text(facts.get("field"), redact)
        self.found, self.expected = _text(facts.get("found"), redact), _text(facts.get("expected"), redact)
        message = ": ".join(part or "''" for part in (self.file, self.field, self.problem) if part is not None)
        sides = {"found": self.found, "expected": self.expected}
        listed = ", ".join(f"{word} {value}" for word, value in sides.items() if value is not None)
        super().__init__(f"{message} ({listed})" if listed else message)


class SaltErrors(SaltError):
    """Several mistakes, found and reported together.

    Args:
        summary: One line over them all.
        problems: Each mistake.
    """

    def __init__(self, summary: str, problems: list[SaltError]) -> None:
        super().__init__(summary)
        self.summary, self.problems = self.problem, problems
        self.args = ("\n".join([self.summary, *(f"  - {problem}" for problem in problems)]),)

    def __reduce__(self) -> tuple[type["SaltErrors"], tuple[str, list[SaltError]]]:
        return type(self), (self.summary, self.problems)


class ServiceError(SaltError):
    """A server did not do what was asked of it, or could not be reached.

    Args:
        problem: What is wrong, in a few words.
        status: HTTP status of the answer; None if there was none.
        passing: Whether the same call may succeed after a while.
        **facts: As in `SaltError`: the address, the setting or part of the server, the answer and the expected one.
    """

    def __init__(
        self, problem: str, *, status: int | None = None, passing: bool = False, **facts: Unpack[Facts]
    ) -> None:
        super().__init__(problem, **facts)
        self.status, self.passing = status, passing


def _text(value: object, redact: Callable[[str], str]) -> str | None:
    if value is None:
        return None
    text = one_line(redact(str(value)))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Ends the process with the message, and no traceback, on an error of the user's or of the file system.

    Every component body and every command runs inside this. From here on no log shows credentials, and neither does
    the traceback of any other error: a library's message may quote an address.

    Raises:
        SystemExit: With code 2.
    """
    logging.setLogRecordFactory(RedactedRecord)
    try:
        yield
    except (SaltError, OSError) as error:
        sys.stderr.write(f"{MARK}{redacted(_said(error))}\n")
        sys.exit(2)
    except Exception:
        sys.excepthook = _print_redacted
        raise


def _said(error: SaltError | OSError) -> str:
    """An error in words, without the numbers of the operating system."""
    if isinstance(error, SaltError) or not error.strerror:
        return str(error)
    if error.filename is not None:
        return f"{one_line(error.filename)}: {error.strerror}"
    try:
        Path.cwd()
    except OSError:
        return "the current folder no longer exists"
    return error.strerror


def _print_redacted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))
