"""Shows how far a transfer or a loop is: a bar on a terminal, log lines elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
    track,
)

log = logging.getLogger(__name__)

Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 10.0
ITEMS_BETWEEN_LINES = 5000


@contextmanager
def transfer(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a transfer.

    Args:
        doing: What is done, as "uploading survey.zip".

    Yields:
        A function that takes the bytes done and the bytes in total.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task(doing, total=None)
            yield lambda done, size: bar.update(task, completed=done, total=size)
        return
    logged = 0.0

    def tell(done: int, size: int) -> None:
        nonlocal logged
        if time.monotonic() > logged + SECONDS_BETWEEN_LINES or done == size:
            logged = time.monotonic()
            log.info("%s: %.1f of %.1f MB", doing, done / 1e6, size / 1e6)

    yield tell


def progress(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """Passes items on and shows how many are done.

    Args:
        items: What is worked on.
        doing: What is done to them, as "reading images".
    """
    if sys.stderr.isatty():
        yield from track(items, doing, console=Console(stderr=True), transient=True)
        return
    for done, item in enumerate(items):
        if done % ITEMS_BETWEEN_LINES == 0:
            log.info("%s: %s of %s", doing, f"{done:,}", f"{len(items):,}")
        yield item
