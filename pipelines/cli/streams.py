"""Standard output and standard error of a command, whatever they lead to."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salt_pipeline.components.core.errors import SaltError


def prepare_streams() -> None:
    """Lets a command print any name, also where its output was closed or its terminal knows few characters."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def flushed_output() -> Iterator[None]:
    """Writes out what the block printed. A reader that has closed its pipe has seen enough.

    Raises:
        SaltError: If it cannot be written, as on a full disk. Other files are named by whoever writes them.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EPIPE):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        if error.errno == errno.ENOSPC:
            raise SaltError(f"cannot be written: {error.strerror}", file="standard output") from None
