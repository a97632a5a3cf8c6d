"""Checks safetensors files, without the package that loads them."""

import os
import struct
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import IO, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from salt_pipeline.components.core.config.section import problems_of
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import parse_json
from salt_pipeline.components.core.regular_file import check_regular

_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}
_EXPONENTS: dict[str, Any] = {
    "F16": np.uint16(0x7C00),
    "BF16": np.uint16(0x7F80),
    "F32": np.uint32(0x7F80_0000),
    "F64": np.uint64(0x7FF0_0000_0000_0000),
}
"""The exponent's bits of each type of float: all of them are set in infinities and NaN, and in no other number."""

NOT_FINITE = "the weights hold numbers that are not finite"
"""What every reader of weights says of NaN and infinity."""

_LONGEST = 100_000_000
"""Largest size of a header, bytes; the limit of the format's own reader."""


def check_weights(path: str | Path) -> None:
    """Checks that a safetensors file is complete, and that its numbers are finite.

    It is complete if tensors of known types fill it without gaps up to its end.

    Raises:
        SaltError: If it is not, or cannot be read.
    """
    try:
        check_regular(Path(path).stat().st_mode, path)
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            tensors, data = _header(file, size)
            spans = sorted(_span(entry) for entry in tensors.values())
            joined = [(0, 0), *spans, (size - data, size - data)]
            if any(end != begin for (_, end), (begin, _) in pairwise(joined)):
                raise ValueError(f"tensors do not fill its {size} bytes")
            unusable = next((name for name, entry in tensors.items() if not _is_finite(file, data, entry)), None)
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror}", file=path) from error
    except (ValueError, KeyError, struct.error) as error:
        raise SaltError("is not a safetensors file, or is damaged", file=path, found=error) from error
    if unusable is not None:
        raise SaltError(NOT_FINITE, file=path, field=unusable, expected="no NaN, no infinity")


class _Entry(BaseModel):
    """What the header says of a tensor."""

    model_config = ConfigDict(strict=True)

    dtype: str
    shape: list[Annotated[int, Field(ge=0)]]
    data_offsets: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]


def _header(file: IO[bytes], size: int) -> tuple[dict[str, _Entry], int]:
    """Returns the entries of the tensors, and the offset at which their data begin."""
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(size - 8, _LONGEST):
        raise ValueError(f"a header of {length} bytes")
    try:
        header = parse_json(file.read(length).decode())
    except SaltError as error:
        raise ValueError(f"a header that {error}") from error
    if not isinstance(header, dict) or not header.keys() - {"__metadata__"}:
        raise ValueError("no tensors")
    return {name: _entry(name, entry) for name, entry in header.items() if name != "__metadata__"}, 8 + length


def _entry(name: str, entry: Any) -> _Entry:
    try:
        return _Entry.model_validate(entry)
    except ValidationError as error:
        raise ValueError(f"{name!r}: {problems_of(error)[0]}") from None


def _span(entry: _Entry) -> tuple[int, int]:
    """First byte of a tensor and the byte after its last one; they must match its type and shape."""
    begin, end = entry.data_offsets
    if end - begin != _BYTES[entry.dtype] * prod(entry.shape):
        raise ValueError(f"{end - begin} bytes for {entry.dtype} {entry.shape}")
    return begin, end


def _is_finite(file: IO[bytes], data: int, entry: _Entry) -> bool:
    """Whether all numbers of a tensor are finite; `data` is the offset of the first tensor."""
    exponent = _EXPONENTS.get(entry.dtype)
    if exponent is None:
        return True
    begin, end = _span(entry)
    file.seek(data + begin)
    numbers = np.frombuffer(file.read(end - begin), dtype=exponent.dtype)
    return not ((numbers & exponent) == exponent).any()
