"""SEG-Y files: their headers, and their traces through segyio."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import SaltError, one_line
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.segy_lines import find_lines
from salt_pipeline.components.inference.volume import Line, Volume

log = logging.getLogger(__name__)

SEGY = (".sgy", ".segy")

FLOATS = {1: "IBM float", 5: "IEEE float", 6: "IEEE double"}
"""Sample formats that hold fractions, by their code in bytes 3225-3226."""

_INTEGERS = {2: "int32", 3: "int16", 8: "int8", 9: "int64", 10: "uint32", 11: "uint16", 12: "uint64", 16: "uint8"}
_UNSUPPORTED = {4: "fixed point with gain", 7: "int24", 15: "uint24"}

_BYTES = {1: 4, 2: 4, 3: 2, 5: 4, 6: 8, 8: 1, 9: 8, 10: 4, 11: 2, 12: 8, 16: 1}
"""Bytes of a sample by format."""

_HEADER, _TRACE_HEADER = 3600, 240


@dataclass(frozen=True)
class Geometry:
    """Where the trace headers of SEG-Y files hold the position of a trace.

    Attributes:
        inline: First byte of the inline number, from 1.
        crossline: First byte of the crossline number, from 1.
        ignore: Whether all traces of a file are one line, in the file's order.
    """

    inline: int = 189
    crossline: int = 193
    ignore: bool = False

    def __post_init__(self) -> None:
        for option, byte in (("--inline-byte", self.inline), ("--crossline-byte", self.crossline)):
            # The fields of four and of two bytes of a trace header, SEG-Y revision 1.
            wide = {*range(1, 29, 4), *range(37, 69, 4), *range(73, 89, 4), *range(181, 201, 4)}
            if byte not in wide | set(range(29, 37, 2)) | {69, 71} | set(range(89, 181, 2)):
                raise SaltError("no field of a trace header begins there", field=option, found=byte, expected="as 189")


USUAL = Geometry()
"""The bytes of SEG-Y revision 1."""


@dataclass(frozen=True)
class SegyVolume(Volume):
    """A SEG-Y file of stacked traces.

    Attributes:
        endian: Order of the bytes: big or little.
        format: Code of the sample format.
    """

    endian: str
    format: int

    def read(self, start: int, stop: int) -> NDArray:
        """Traces `start` to `stop`, (traces, samples)."""
        with opened(self.path, self.endian) as file, _readable(self.path):
            if (file.tracecount, len(file.samples)) != (self.traces, self.samples):
                raise BadImage("was replaced while it was read", file=self.path)
            return file.trace.raw[start:stop]


def open_segy(path: Path, geometry: Geometry) -> SegyVolume:
    """Reads the headers of a SEG-Y file.

    Raises:
        BadImage: If it cannot be read, or its samples have a format that segyio does not support.
    """
    endian, code = _sample_format(path)
    with opened(path, endian) as file, _readable(path):
        traces, samples = file.tracecount, len(file.samples)
        lines: tuple[Line, ...] = (Line("", 0, traces),)
        if not geometry.ignore:
            lines = find_lines(file.attributes(geometry.inline)[:], file.attributes(geometry.crossline)[:])
        _check_counts(path, file.attributes(115)[:], samples, traces * (_TRACE_HEADER + samples * _BYTES[code]), code)
    kind = {**FLOATS, **_INTEGERS}[code]
    found = "one line"
    if len(lines) > 1:
        found = f"{len(lines)} lines, {lines[0].name} to {lines[-1].name}"
    elif not geometry.ignore:
        found = f"one line, as bytes {geometry.inline} and {geometry.crossline} describe no volume"
    log.info("%s: %s, %d traces of %d samples, %s, %s-endian", one_line(path), found, traces, samples, kind, endian)
    return SegyVolume(path, traces, samples, lines, True, endian, code)


def opened(path: Path, endian: str, mode: str = "r") -> Any:
    """Opens a file in segyio, whose own reading of the geometry refuses volumes with missing traces.

    Returns:
        segyio's file, which closes itself at the end of a `with` block.

    Raises:
        BadImage: If segyio is not installed, or cannot read the file.
    """
    try:
        import segyio
    except ImportError:
        expected = "pip install 'salt-pipeline[segy]'"
        raise BadImage("segyio is not installed", file=path, expected=expected) from None
    with _readable(path):
        return segyio.open(path, mode, ignore_geometry=True, endian=endian)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, LookupError, OSError) as error:  # all that a damaged file makes segyio raise
        raise BadImage("cannot be read as SEG-Y", file=path, found=str(error).split("\n")[0]) from error


def _sample_format(path: Path) -> tuple[str, int]:
    """The order of the bytes and the code of the sample format: a code read in the wrong order is above 255."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER + _TRACE_HEADER)
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror}", file=path) from error
    if len(header) < _HEADER + _TRACE_HEADER:
        expected = f"at least {_HEADER + _TRACE_HEADER}: the headers of the file and of a trace"
        raise BadImage("is too short for SEG-Y", file=path, found=f"{len(header)} bytes", expected=expected)
    for endian in ("big", "little"):
        code = int(np.frombuffer(header, f"{'>' if endian == 'big' else '<'}u2", 1, 3224)[0])
        if code in FLOATS or code in _INTEGERS:
            _check_layout(path, header, endian, code)
            return endian, code
        if code in _UNSUPPORTED:
            found = f"{code}, {_UNSUPPORTED[code]}"
            raise BadImage("has a sample format that is not supported", file=path, field="bytes 3225-3226", found=found)
    code = int.from_bytes(header[3224:3226], "big")
    expected = ", ".join(map(str, sorted(FLOATS | _INTEGERS)))
    raise BadImage("unknown sample format", file=path, field="bytes 3225-3226", found=code, expected=expected)


def _check_layout(path: Path, header: bytes, endian: str, code: int) -> None:
    """Refuses what segyio does not read: it would take other bytes of the file for traces, or end the process."""

    def field(first: int, kind: str) -> int:
        return int(np.frombuffer(header, f"{'>' if endian == 'big' else '<'}{kind}", 1, first - 1)[0])

    samples, place = field(3221, "u2"), "bytes 3221-3222"
    if not samples and (extended := field(3269, "i4")):
        samples, place = extended, "bytes 3269-3272"
        if endian == "little":
            raise BadImage("is supported in big-endian files alone", file=path, field=place, found=samples)
    if not samples:
        raise BadImage("says that traces have no samples", file=path, field=place, found=0)
    room = (path.stat().st_size - _HEADER - _TRACE_HEADER) // _BYTES[code]
    if not 1 <= samples <= room:
        problem = "so many samples of a trace do not fit in the file"
        raise BadImage(problem, file=path, field=place, found=samples, expected=f"at most {room}")
    if (texts := field(3505, "i2")) < 0:
        problem = "a variable number of text headers is not supported"
        raise BadImage(problem, file=path, field="bytes 3505-3506", found=texts)
    for first, what in ((3507, "further trace headers"), (3529, "data trailers")) if header[3500] >= 2 else ():
        if count := field(first, "i4"):
            raise BadImage(f"{what} are not supported", file=path, field=f"bytes {first}-{first + 3}", found=count)


def _check_counts(path: Path, count_T: NDArray, samples: int, size: int, code: int) -> None:
    """Refuses traces that say, in bytes 115-116, that they have other numbers of samples than the file says.

    Some programs leave an old number in the trace headers: it is passed over where the file's size rules it out.

    Args:
        path: The file.
        count_T: The numbers of the traces, 0 where none is given.
        samples: The number of the file.
        size: Bytes of all traces by that number.
        code: The sample format.
    """
    found = sorted({int(count) & 0xFFFF for count in np.unique(count_T)} - {0, samples & 0xFFFF})
    if not found or samples > 0xFFFF:
        return
    fits = size % (_TRACE_HEADER + found[0] * _BYTES[code]) == 0
    if fits or len(found) > 1 or (count_T.astype(int) & 0xFFFF == samples).any():
        where = "bytes 115-116 of the trace headers"
        raise BadImage("traces have other numbers of samples", file=path, field=where, found=found[0], expected=samples)
    log.warning("%s: trace headers say %d samples; the file's size fits %d", one_line(path), found[0], samples)
