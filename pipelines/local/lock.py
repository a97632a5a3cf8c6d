"""The lock of a run's folder: one run at a time, and none beside processes that another one has left."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import write_errors
from salt_pipeline.components.core.regular_file import check_regular

LOCK = ".lock"
"""Name of the locked file. Its text says who holds the lock."""

LOGS = ("log.txt", "log-debug.txt")
"""Names of the logs of a run or a sweep."""

PATIENCE = 10.0
"""Seconds that the processes of a killed run are given to end, as they do by themselves."""


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Holds a folder's lock.

    Every process that inherits the descriptor holds the lock too: it is free when the last of them has ended.

    Args:
        folder: The folder of a run; it is created.

    Yields:
        The descriptor of the locked file.

    Raises:
        SaltError: If another process holds the lock, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_logs(folder)
        file = (folder / LOCK).open("a+")
    except OSError as error:
        raise SaltError(f"cannot be written: {error.strerror}", file=folder, field="--out") from None
    with file:
        _take(file, folder)
        with write_errors(folder / LOCK):
            file.truncate(0)
            file.write(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
            file.flush()
        yield file.fileno()


def _check_logs(folder: Path) -> None:
    """Checks the logs before they are opened: a pipe would wait for ever, and a device never ends."""
    for name in LOGS:
        if (folder / name).exists():
            check_regular((folder / name).stat().st_mode, folder / name)


def _take(file: IO[str], folder: Path) -> None:
    """Takes the lock; waits for it only where its holder has ended and what it started is about to."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(200).strip()
            if _runs(holder):
                raise SaltError("another process runs in this folder", file=folder, found=holder or None) from None
            if time.monotonic() > deadline:
                problem = "processes of an earlier run, whose own process was killed, still run in this folder"
                raise SaltError(problem, file=folder, found=holder) from None
            time.sleep(0.1)


def _runs(holder: str) -> bool:
    """Whether the process that a lock names runs; also True where none is named."""
    words = holder.replace(",", " ").split()
    if len(words) < 2 or not words[1].isdecimal():
        return True
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
