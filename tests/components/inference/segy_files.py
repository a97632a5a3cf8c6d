"""Small SEG-Y files, written by segyio."""

import warnings
from pathlib import Path

import numpy as np
import segyio
from numpy.typing import NDArray

CODES = {1: "f4", 2: "i4", 3: "i2", 5: "f4", 6: "f8", 8: "i1", 9: "i8", 10: "u4", 11: "u2", 12: "u8", 16: "u1"}


def write_segy(
    path: Path,
    values_TS: NDArray,
    inline_T: NDArray | list[int] | None = None,
    crossline_T: NDArray | list[int] | None = None,
    *,
    code: int = 5,
    endian: str = "big",
    places: tuple[int, int] = (189, 193),
) -> Path:
    """Writes traces (traces, samples) with distinct text, binary and trace headers."""
    spec = segyio.spec()
    spec.format, spec.endian, spec.samples = code, endian, list(range(values_TS.shape[1]))
    spec.tracecount = len(values_TS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # segyio notes that it converts types
        with segyio.create(str(path), spec) as file:
            file.text[0] = segyio.create_text_header({1: "a line of our own"})
            file.bin.update({segyio.BinField.JobID: 77, segyio.BinField.Interval: 2000})
            for trace, values in enumerate(values_TS):
                numbers = [0 if axis is None else int(axis[trace]) for axis in (inline_T, crossline_T)]
                cdp = {segyio.TraceField.CDP_X: 4000 + trace, segyio.TraceField.TRACE_SEQUENCE_LINE: trace + 1}
                file.header[trace] = cdp | dict(zip(places, numbers, strict=True))
                file.trace[trace] = values.astype(file.dtype)
    return path


def read_segy(path: Path, endian: str = "big") -> NDArray:
    """All traces by segyio's own reader, (traces, samples)."""
    with segyio.open(str(path), ignore_geometry=True, endian=endian) as file:
        return np.array(file.trace.raw[:])


def headers(path: Path, samples: int, code: int) -> bytes:
    """The bytes of a file without its samples."""
    data = path.read_bytes()
    size = 240 + samples * np.dtype(CODES[code]).itemsize
    return data[:3600] + b"".join(data[start : start + 240] for start in range(3600, len(data), size))


def amplitudes(traces: int, samples: int, seed: int = 0) -> NDArray[np.float32]:
    """Random amplitudes of some hundreds (traces, samples)."""
    return np.random.default_rng(seed).normal(0, 300, (traces, samples)).astype(np.float32)
