"""PNG files written row by row, so that no complete image has to be in memory."""

import struct
import zlib
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

_GREY, _RGB = 0, 2


class PngWriter:
    """Writes 8-bit grey or RGB rows as they come (PNG specification, third edition).

    Args:
        file: Opened for binary writing.
        width: Width of the image, px.
        height: Height of the image, px.
        rgb: Whether pixels have three channels.
    """

    def __init__(self, file: IO[bytes], width: int, height: int, *, rgb: bool = False) -> None:
        self._file, self._deflate = file, zlib.compressobj(6)
        self._left = height
        file.write(b"\x89PNG\r\n\x1a\n")
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _RGB if rgb else _GREY, 0, 0, 0))

    def write(self, rows: NDArray[np.uint8]) -> None:
        """Appends rows, (h, W) or (h, W, 3)."""
        assert rows.dtype == np.uint8
        assert len(rows) <= self._left
        self._left -= len(rows)
        flat = rows.reshape(len(rows), -1)
        filtered = np.pad(flat, ((0, 0), (1, 0)))  # each row begins with its filter's number: 0, none
        self._chunk(b"IDAT", self._deflate.compress(filtered.tobytes()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            assert self._left == 0, "rows are missing"
            self._chunk(b"IDAT", self._deflate.flush())
            self._chunk(b"IEND", b"")

    def _chunk(self, name: bytes, data: bytes) -> None:
        if data or name == b"IEND":
            self._file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
