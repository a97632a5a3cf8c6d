"""Shows how far a loop is: a bar on a terminal, log lines elsewhere."""

import logging
import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

log = logging.getLogger(__name__)

Item = TypeVar("Item")

EVERY = 5000
"""Items between two log lines."""


def progress(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """Passes the items on while it shows how many are done.

    Args:
        items: What is worked on.
        doing: What is done to them, as "reading images".
    """
    if sys.stderr.isatty():
        yield from track(items, doing, console=Console(stderr=True), transient=True)
        return
    for done, item in enumerate(items):
        if done % EVERY == 0:
            log.info("%s: %s of %s", doing, f"{done:,}", f"{len(items):,}")
        yield item
