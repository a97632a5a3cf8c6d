"""Values that a schema does not allow are refused by every reader, with file, column and row."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, FOLDS, MAPS, SIDE, read_table, row_groups

COUNT = 6
ZEROS, SEVENS = bytes(SIDE * SIDE), bytes([*[0] * 77, 7]).ljust(SIDE * SIDE, b"\1")
COLUMNS: dict[pa.Schema, dict[str, list[Any]]] = {
    DATASET: {
        "id": list("abcdef"),
        "labelled": [True, False] * 3,
        "image": [b"\xff" * len(ZEROS)] * COUNT,
        "mask": [b"\1" * len(ZEROS), None] * 3,
        "depth": [0, 100_000, None, None, 5, 6],
        "position": [None, 0, None, 1, None, 2],
    },
    FOLDS: {"id": list("abcdef"), "fold": [0, 1] * 3, "group": [*range(COUNT)], "stratum": ["any"] * COUNT},
    MAPS: {"id": list("abcdef"), "map": [ZEROS] * COUNT, "salt": [0.0, 1.0, 0.5] * 2},
}


def write(path: Path, schema: pa.Schema, size: int = 2, **changes: list[Any]) -> Path:
    """Writes a table as a stage would, but for nulls and for rules, which a file need not obey."""
    lenient = pa.schema([field.with_nullable(True) for field in schema], schema.metadata)
    pq.write_table(pa.table(COLUMNS[schema] | changes, lenient), path, row_group_size=size)
    return path


def refused(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> str:
    """What both readers say of a file, without its folder."""
    messages = []
    with pytest.raises(SaltError) as caught:
        list(row_groups(path, schema, columns))
    messages.append(str(caught.value))
    if columns is None:
        with pytest.raises(SaltError) as caught:
            read_table(path, schema)
        messages.append(str(caught.value))
    assert len(set(messages)) == 1
    return messages[0].removeprefix(f"{path.parent}/")


@pytest.mark.parametrize("schema", [DATASET, FOLDS, MAPS])
@pytest.mark.parametrize("group", [1, 2, 4, 10])
def test_what_the_schema_allows_is_read(tmp_path: Path, schema: pa.Schema, group: int) -> None:
    path = write(tmp_path / "t.parquet", schema, group)
    table, _ = read_table(path, schema)
    assert table.to_pydict() == COLUMNS[schema]
    assert pa.concat_tables(row_groups(path, schema)).to_pydict() == COLUMNS[schema]


@pytest.mark.parametrize(
    ("schema", "column"),
    [(schema, field.name) for schema in COLUMNS for field in schema if not field.nullable],
)
@pytest.mark.parametrize("row", [0, 4])
def test_a_null_is_named_by_its_row(tmp_path: Path, schema: pa.Schema, column: str, row: int) -> None:
    values = [*COLUMNS[schema][column]]
    values[row] = None
    path = write(tmp_path / "t.parquet", schema, 2, **{column: values})
    image = "" if column == "id" else f", image {'abcdef'[row]}"
    assert refused(path, schema) == f"t.parquet: {column}, row {row + 1}{image}: is null"
    assert refused(path, schema, [column]) == f"t.parquet: {column}, row {row + 1}: is null"


@pytest.mark.parametrize(
    ("schema", "column", "value", "sides"),
    [
        (DATASET, "mask", SEVENS, "found 7, expected 0 to 1"),
        (DATASET, "depth", -1, "found -1, expected 0 to 100000"),
        (DATASET, "depth", 100_001, "found 100001, expected 0 to 100000"),
        (DATASET, "position", -5, "found -5, expected 0 or more"),
        (FOLDS, "fold", -1, "found -1, expected 0 or more"),
        (FOLDS, "group", -3, "found -3, expected 0 or more"),
        (MAPS, "salt", 7.5, "found 7.5, expected 0 to 1"),
        (MAPS, "salt", -0.5, "found -0.5, expected 0 to 1"),
        (MAPS, "salt", float("nan"), "found nan, expected 0 to 1"),
        (MAPS, "salt", float("inf"), "found inf, expected 0 to 1"),
    ],
)
@pytest.mark.parametrize("group", [1, 2, 10])
def test_a_value_out_of_range_is_named_by_its_row(
    tmp_path: Path, schema: pa.Schema, column: str, value: Any, sides: str, group: int
) -> None:
    values = [*COLUMNS[schema][column]]
    values[4] = value
    path = write(tmp_path / "t.parquet", schema, group, **{column: values})
    assert refused(path, schema) == f"t.parquet: {column}, row 5, image e: is out of range ({sides})"


@pytest.mark.parametrize("schema", [DATASET, FOLDS, MAPS])
@pytest.mark.parametrize("group", [1, 2, 3, 10])
@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        ("fedcba", "row 2: rows are not sorted by id (found e after f)"),
        ("abccde", "row 4: the image is duplicate (found c after c)"),
        ("abcdea", "row 6: rows are not sorted by id (found a after e)"),
    ],
)
def test_rows_are_sorted_across_row_groups(
    tmp_path: Path, schema: pa.Schema, group: int, ids: str, problem: str
) -> None:
    path = write(tmp_path / "t.parquet", schema, group, id=list(ids))
    assert refused(path, schema) == f"t.parquet: id, {problem}"
    assert refused(path, schema, ["id"]) == f"t.parquet: id, {problem}"


@pytest.mark.parametrize(
    ("masks", "problem"),
    [
        ([ZEROS, None, None, None, ZEROS, None], "row 3, image c: is null"),
        ([ZEROS, None, ZEROS, ZEROS, ZEROS, None], "row 4, image d: is not null"),
    ],
)
def test_a_mask_is_there_exactly_where_an_image_is_labelled(tmp_path: Path, masks: list[Any], problem: str) -> None:
    path = write(tmp_path / "t.parquet", DATASET, mask=masks)
    assert refused(path, DATASET) == f"t.parquet: mask, {problem} (expected a value exactly where labelled is true)"


def test_texts_that_are_not_utf8_are_damage(tmp_path: Path) -> None:
    offsets, text = pa.py_buffer(np.arange(7, dtype=np.int32)), pa.py_buffer(b"abcde\xff")
    path = write(tmp_path / "t.parquet", MAPS, 10, id=pa.StringArray.from_buffers(6, offsets, text))
    assert refused(path, MAPS).startswith("t.parquet: is damaged (found ")


@pytest.mark.parametrize(
    ("fact", "value"), [("kind", "neither"), ("folds", "0"), ("folds", "five"), ("synthetic", "yes")]
)
def test_metadata_of_another_form_is_named(tmp_path: Path, fact: str, value: str) -> None:
    path = write(tmp_path / "t.parquet", MAPS)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, fact: value}), path)
    with pytest.raises(SaltError, match=rf"t\.parquet: {fact}: is not valid metadata \(found {value}, expected "):
        read_table(path, MAPS)
