"""Partial files: how they are named, and how those that a killed process left are removed by the next one.

Every writer holds a shared lock (flock) on the folder while its partial file exists. The kernel releases it when the
process ends, however it ends. A process that gets the exclusive lock is therefore the only writer in the folder, and
whatever partial files it finds are stale. Containers that share a folder of one machine share its locks. A file system
without such locks (NFS refuses an exclusive one on a folder) keeps its stale files.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)

_KEPT = 60
"""Characters of a file's name that its partial file's name keeps: with four bytes each it has 255, the most allowed."""

_swept: set[tuple[int, int]] = set()
"""Device and inode of the folders that this process has swept: one pass over a large folder is enough."""


@contextmanager
def part_file(path: Path) -> Iterator[Path]:
    """Yields the path of a partial file beside `path`, which belongs to this process until the block ends.

    Args:
        path: The file that is to be written; its folder exists. On the first write in a folder, the stale partial files
            of all names are removed from it.
    """
    with _writing_in(path.parent):
        yield path.with_name(f".{path.name[:_KEPT]}.{uuid4().hex[:8]}.part")


@contextmanager
def _writing_in(folder: Path) -> Iterator[None]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # one may write in a folder that one may not list
        yield
        return
    try:
        with suppress(OSError):
            _sweep(folder, handle)
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # a child process may have inherited the handle
        os.close(handle)


def _sweep(folder: Path, handle: int) -> None:
    """Removes stale partial files, unless another writer is at work in the folder."""
    facts = os.fstat(handle)
    if (facts.st_dev, facts.st_ino) in _swept:
        return
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _swept.add((facts.st_dev, facts.st_ino))
    for entry in os.scandir(folder):
        if _PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            Path(entry).unlink(missing_ok=True)
