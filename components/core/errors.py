"""Mistakes of the user's, told in one line each."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "salt: error: "
"""What a line with a user's mistake begins with, in a terminal, a pod's log and a local run's log."""


_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")


def without_passwords(text: str) -> str:
    """A text in which no address names a user or a password: those of MLflow's, KFP's and a proxy's may hold them."""
    return _USER_INFO.sub("***@", text)


class SaltError(ValueError):
    """Something the user can fix: where it is, what was found, what was expected; passwords in addresses are hidden.

    Args:
        problem: What is wrong, in a few words.
        file: The file (or folder, or URI) it is in.
        field: The column, key or option it is about.
        found: What is there.
        expected: What should be there.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        field: str | None = None,
        found: object = None,
        expected: object = None,
    ) -> None:
        message = ": ".join(str(part) for part in (file, field, problem) if part is not None)
        facts = [f"{word} {value}" for word, value in (("found", found), ("expected", expected)) if value is not None]
        super().__init__(without_passwords(f"{message} ({', '.join(facts)})" if facts else message))


class SaltErrors(SaltError):
    """Several mistakes found in one look, reported together.

    Args:
        summary: One line over them all.
        problems: Each mistake.
    """

    def __init__(self, summary: str, problems: list[SaltError]) -> None:
        super().__init__("\n".join([summary, *(f"  - {problem}" for problem in problems)]))
        self.problems = problems


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Ends the process with the message, and no traceback, on a user's mistake or a failed disk.

    Every component body and every command runs inside this.

    Raises:
        SystemExit: With code 2 for a `SaltError`, 1 for an `OSError`.
    """
    try:
        yield
    except (SaltError, OSError) as error:
        sys.stderr.write(f"{MARK}{error}\n")
        sys.exit(2 if isinstance(error, SaltError) else 1)
