"""Shows the progress of work: a bar on standard error at a terminal, log lines elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Update = Callable[[float, float], None]
"""Takes how much is done, and the total."""

SECONDS_BETWEEN_LINES = 10.0
"""Least time between two log lines about the same work, in seconds."""


@contextmanager
def bar(
    doing: str,
    amounts: Callable[[float, float], str],
    *columns: ProgressColumn,
    seconds: float = SECONDS_BETWEEN_LINES,
) -> Iterator[Update]:
    """Shows the progress of one piece of work.

    Args:
        doing: What is done, as "predicting".
        amounts: Writes the amount done and the total for a log line, as "3 of 10 tiles".
        columns: Columns of the bar between its picture and the time that remains.
        seconds: Least time between two log lines; the first is logged at once, and one at the end.

    Yields:
        A function that takes the amount done and the total.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *columns, TimeRemainingColumn())
    with at_terminal(*columns) as shown:
        if shown:
            task = shown.add_task(doing, total=None)
            yield lambda done, total: shown.update(task, completed=done, total=total)
            return
        logged = float("-inf")

        def log_line(done: float, total: float) -> None:
            nonlocal logged
            if time.monotonic() >= logged + seconds or done == total:
                logged = time.monotonic()
                log.info("%s: %s", doing, amounts(done, total))

        yield log_line


@contextmanager
def transfer(doing: str) -> Iterator[Update]:
    """Shows a transfer.

    Args:
        doing: What is done, as "uploading survey.zip".

    Yields:
        A function that takes the bytes done and the bytes in total.
    """

    def megabytes(done: float, total: float) -> str:
        return f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"

    with bar(doing, megabytes, DownloadColumn(), TransferSpeedColumn()) as update:
        yield update


def progress(items: Iterable[Item], doing: str, total: int | None = None) -> Iterator[Item]:
    """Passes items on and shows how many are done.

    Args:
        items: What is worked on.
        doing: What is done to them, as "reading images".
        total: Number of items, where `items` has no length.
    """
    if total is None:
        assert isinstance(items, Sized)
        total = len(items)
    with bar(doing, lambda done, total: f"{done:,.0f} of {total:,.0f}") as update:
        for done, item in enumerate(items):
            update(done, total)
            yield item
        update(total, total)


@contextmanager
def latest_lines(logged: Callable[[str], bool]) -> Iterator[Callable[[str, str], None]]:
    """Shows what several pieces of work report: the latest line of each at a terminal, log lines elsewhere.

    Args:
        logged: Whether a line is worth one in a log.

    Yields:
        A function that takes the name of a piece of work and a line about it.
    """
    tasks: dict[str, TaskID] = {}
    with at_terminal(SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()) as shown:

        def update(name: str, line: str) -> None:
            if shown:
                if name not in tasks:
                    tasks[name] = shown.add_task(name, total=None)
                shown.update(tasks[name], description=f"{name}: {line[:100]}")
            elif logged(line):
                log.info("%s: %s", name, line)

        yield update


def stderr_console() -> Console:
    """Standard error; a file or a pipe is no terminal, also where FORCE_COLOR says that it takes colours."""
    return Console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)


@contextmanager
def at_terminal(*columns: ProgressColumn) -> Iterator[Progress | None]:
    """Draws bars on standard error while the context lasts.

    Yields:
        The bars; None where standard error is no terminal.
    """
    console = stderr_console()
    if not console.is_terminal:
        yield None
        return
    with Progress(*columns, console=console, transient=True) as shown:
        yield shown
