"""The Parquet files that pass between stages: their schemas, and how they are read and written.

A schema says what each column may hold, by the rules of `row_check`; every reader in this module enforces them.

A file's key-value metadata holds `salt.schema` (name and version) and whatever strings the stage adds (hashes,
encoder, fold ...). Images, masks and maps are 101 x 101 uint8, row-major, one fixed-size binary a row. Every page
carries a checksum that is verified on reading: zstd would not notice damage in a page that did not compress.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.core.numbers import SHOWN
from salt_pipeline.components.core.regular_file import check_regular
from salt_pipeline.components.core.row_check import RowCheck
from salt_pipeline.components.core.table_facts import decode_facts

SIDE = 101
"""Height and width of every image, mask and probability map, in pixels (competition data page)."""

ROW_GROUP = 512
"""Rows of a row group, the part of a file that a streaming reader holds at a time (5 MB of maps)."""

MOST_ROWS = 100_000
"""Most rows of a file; an archive has no more images. A small file may claim any number."""

_PIXELS = pa.binary(SIDE * SIDE)


def _field(name: str, kind: pa.DataType, doc: str, *, nullable: bool = False, **rules: str) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"doc": doc, **rules})


def _schema(name: str, version: int, *fields: pa.Field) -> pa.Schema:
    return pa.schema(fields, metadata={"salt.schema": f"{name}/{version}"})


DATASET = _schema(
    "dataset",
    1,
    _field("id", pa.string(), "image id: the file name without its ending; rows are sorted by it", ascending="yes"),
    _field("labelled", pa.bool_(), "true for a training image, false for a test image"),
    _field("image", _PIXELS, "grey levels, 0 to 255"),
    _field(
        "mask",
        _PIXELS,
        "1 is salt, 0 is not; null for a test image",
        nullable=True,
        least="0",
        most="1",
        only_where="labelled",
    ),
    _field(
        "depth",
        pa.int32(),
        "depth of the tile below the surface, ft; null where it is unknown",
        nullable=True,
        least="0",
        most="100000",
    ),
    _field(
        "position",
        pa.int32(),
        "row in sample_submission.csv, from 0; null for a training image",
        nullable=True,
        least="0",
    ),
)
"""One row per image. Metadata: `data_hash`, `source`, `dropped` (JSON object: id to reason)."""

FOLDS = _schema(
    "folds",
    1,
    _field("id", pa.string(), "id of a labelled image; rows are sorted by it", ascending="yes"),
    _field("fold", pa.int32(), "the fold that holds the image out, from 0", least="0"),
    _field("group", pa.int32(), "images of one group (identical or touching tiles) share a fold", least="0"),
    _field("stratum", pa.string(), "mask class that the folds are stratified by"),
)
"""One row per labelled image. Metadata: `data_hash`, `folds` (their number), `seed`."""

MAPS = _schema(
    "maps",
    1,
    _field("id", pa.string(), "image id; rows are sorted by it, each id once", ascending="yes"),
    _field("map", _PIXELS, "probability of salt by pixel, q = round(255 p)"),
    _field(
        "salt",
        pa.float32(),
        "probability, by the classifier, that the image holds any salt, 0 to 1",
        least="0",
        most="1",
    ),
)
"""One row per image. Metadata: `kind` (oof or test), `encoder`, `fold`, `data_hash`, `config_hash`; of blended maps
`weights` (JSON object: encoder to its weight, or to a list of its weight in each fold)."""


def open_table(path: str | Path, schema: pa.Schema) -> pq.ParquetFile:
    """Opens a Parquet file after checking that it is of the wanted schema and version, and its metadata.

    Raises:
        SaltError: Naming the file, the column or the entry, what was found and what was expected.
    """
    try:
        check_regular(Path(path).stat().st_mode, path)
        file = pq.ParquetFile(_opened(path, "rb"), page_checksum_verification=True)
    except FileNotFoundError:
        raise SaltError("not found", file=path) from None
    except (OSError, pa.ArrowException) as error:
        if reason := getattr(error, "strerror", None):
            raise SaltError(f"cannot be read: {reason}", file=path) from error
        raise SaltError("is not a Parquet file, or is damaged", file=path, found=error) from error
    wanted = schema.metadata[b"salt.schema"].decode()
    metadata = file.schema_arrow.metadata or {}
    found = metadata.get(b"salt.schema", b"none").decode(errors="backslashreplace")[:SHOWN]
    if found != wanted:
        raise SaltError("wrong schema", file=path, field="salt.schema", found=found, expected=wanted)
    for field in schema:
        index = file.schema_arrow.get_field_index(field.name)
        if index < 0:
            raise SaltError("column is missing", file=path, field=field.name, expected=field.type)
        if not file.schema_arrow.field(index).type.equals(field.type):
            kind = file.schema_arrow.field(index).type
            raise SaltError("wrong type", file=path, field=field.name, found=kind, expected=field.type)
    decode_facts(path, metadata)
    if (rows := file.metadata.num_rows) > MOST_ROWS:
        raise SaltError("holds too many rows", file=path, found=f"{rows:,}", expected=f"at most {MOST_ROWS:,}")
    return file


def _opened(path: str | Path, mode: str) -> pa.OSFile:
    """Opens a file whatever its name: pyarrow takes `a:1/x` for a URI, and no name that is not UTF-8."""
    return pa.OSFile(os.fsencode(path), mode)


def table_metadata(file: pq.ParquetFile) -> dict[str, str]:
    """Returns the strings that a stage wrote beside the schema."""
    return decode_facts("", file.schema_arrow.metadata)  # `open_table` has checked them


def read_table(path: str | Path, schema: pa.Schema) -> tuple[pa.Table, dict[str, str]]:
    """Reads all of a file, and checks it.

    Returns:
        The table and the file's metadata.

    Raises:
        SaltError: If the file is not of that schema, is damaged, or holds a value that the schema does not allow.
    """
    file = open_table(path, schema)
    return RowCheck(path, schema)(_read(path, file.read)), table_metadata(file)


def row_groups(path: str | Path, schema: pa.Schema, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Reads a file a row group at a time, of which it holds one, and checks each.

    Args:
        path: The file.
        schema: One of this module's schemas.
        columns: The columns to read; by default all of them.

    Raises:
        SaltError: If the file is not of that schema, is damaged, or holds a value that the schema does not allow in one
            of these columns; damage and values are found when their group is read.
    """
    check = RowCheck(path, schema)
    with open_table(path, schema) as file:
        for group in range(file.num_row_groups):  # iter_batches would keep what it has read of the file
            yield check(_read(path, partial(file.read_row_group, group, columns=columns)))


def _read(path: str | Path, read: Callable[[], pa.Table]) -> pa.Table:
    """Reads rows whose texts are UTF-8."""
    try:
        table = read()
        table.validate(full=True)
    except (OSError, pa.ArrowException) as error:
        raise SaltError("is damaged", file=path, found=error) from error
    return table


@contextmanager
def table_writer(path: str | Path, schema: pa.Schema, metadata: dict[str, str]) -> Iterator[pq.ParquetWriter]:
    """Opens an atomic writer: the file appears under its name only when the block ends without an error.

    Args:
        path: The file to write.
        schema: One of this module's schemas.
        metadata: Strings to keep in the file beside the schema's own.

    Raises:
        SaltError: If the file cannot be written.
    """
    full = schema.with_metadata({**schema.metadata, **metadata})
    with (
        atomic_path(path) as part,
        _opened(part, "wb") as file,
        pq.ParquetWriter(file, full, compression="zstd", write_page_checksum=True) as writer,
    ):
        yield writer


def write_table(path: str | Path, schema: pa.Schema, columns: dict[str, Iterable], metadata: dict[str, str]) -> None:
    """Writes columns as one file with checksums, in row groups of `ROW_GROUP`.

    Raises:
        SaltError: If the file cannot be written.
    """
    with table_writer(path, schema, metadata) as writer:
        writer.write_table(pa.table(columns, schema=schema), row_group_size=ROW_GROUP)


def pixels_to_array(images_BHW: npt.NDArray[np.uint8]) -> pa.FixedSizeBinaryArray:
    """Wraps images (B, 101, 101), uint8, as one Arrow column without copying."""
    assert images_BHW.dtype == np.uint8
    assert images_BHW.shape[1:] == (SIDE, SIDE)
    buffer = pa.py_buffer(np.ascontiguousarray(images_BHW))
    return pa.FixedSizeBinaryArray.from_buffers(_PIXELS, len(images_BHW), [None, buffer])


def array_to_pixels(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.uint8]:
    """Views an Arrow column of images as (B, 101, 101), uint8; the rows of nulls hold zeros."""
    parts = [_view(chunk) for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty((0, SIDE, SIDE), dtype=np.uint8)


def _view(array: pa.FixedSizeBinaryArray) -> npt.NDArray[np.uint8]:
    """Views one chunk; copies it only if it has nulls."""
    rows = slice(array.offset, array.offset + len(array))
    if array.null_count == len(array):
        return np.zeros((len(array), SIDE, SIDE), dtype=np.uint8)
    valid, pixels = array.buffers()
    images_BHW = np.frombuffer(pixels, dtype=np.uint8, count=rows.stop * SIDE * SIDE).reshape(-1, SIDE, SIDE)[rows]
    if array.null_count:
        valid_B = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")[rows]
        return images_BHW * valid_B[:, None, None]
    return images_BHW
