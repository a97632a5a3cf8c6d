"""One file of an archive."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from salt_pipeline.components.core.errors import SaltError

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
)
"""What Python raises on reading a damaged zip or file."""


@dataclass(frozen=True)
class Entry:
    """One file of an archive.

    Attributes:
        path: Its path, with an inner `train.zip` as the folder `train`.
        where: Its name for messages.
        size: Its size as the archive claims it, bytes.
        opener: Opens it for reading; raises a `SaltError` if it is of a kind that cannot be read.
    """

    path: PurePosixPath
    where: str
    size: int
    opener: Callable[[], IO[bytes]]

    def open(self) -> IO[bytes]:
        """Opens it for reading.

        Raises:
            SaltError: If it cannot be read.
        """
        try:
            return self.opener()
        except DAMAGE as error:
            raise SaltError("cannot be read", file=self.where, found=error) from error

    def read(self, limit: int) -> bytes:
        """Reads the complete file.

        Args:
            limit: Most bytes that it may have.

        Raises:
            SaltError: If it is larger, or cannot be read, or is damaged.
        """
        if self.size > limit:
            raise SaltError("is too large", file=self.where, found=f"{self.size} bytes", expected=f"at most {limit}")
        try:
            with self.open() as file:
                content = file.read(limit + 1)
        except DAMAGE as error:
            raise SaltError("cannot be read", file=self.where, found=error) from error
        if len(content) > limit:
            raise SaltError("is larger than it claims", file=self.where, expected=f"at most {limit} bytes")
        return content


def unreadable(path: PurePosixPath, where: str, problem: str, **facts: str) -> Entry:
    """A file that is listed, but cannot be read: opening it raises the reason.

    Args:
        path: Its path.
        where: Its name for messages.
        problem: Why it cannot be read.
        **facts: What was found and expected, as in `SaltError`.
    """

    def refuse() -> IO[bytes]:
        raise SaltError(problem, file=where, found=facts.get("found"), expected=facts.get("expected"))

    return Entry(path, where, 0, refuse)
