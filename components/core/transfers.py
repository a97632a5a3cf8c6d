"""Shows how far a transfer is: a bar on a terminal, log lines elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two log lines."""


@contextmanager
def transfer(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a transfer.

    Args:
        doing: What is done, as "uploading survey.zip".

    Yields:
        Takes the bytes that are done and those there are.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task(doing, total=None)
            yield lambda done, size: bar.update(task, completed=done, total=size)
        return
    said = 0.0

    def tell(done: int, size: int) -> None:
        nonlocal said
        if time.monotonic() > said + EVERY or done == size:
            said = time.monotonic()
            log.info("%s: %.1f of %.1f MB", doing, done / 1e6, size / 1e6)

    yield tell
