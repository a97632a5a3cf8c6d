from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from salt_pipeline.components.core.dataset import ContentHash, dataset_groups
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, ROW_GROUP, SIDE, pixels_to_array, read_table, write_table
from tests.components.dataset import write_dataset

COUNT = ROW_GROUP + 3
LABELLED = [row % 3 > 0 for row in range(COUNT)]


@pytest.fixture
def columns() -> dict[str, Iterable[Any]]:
    """More images than a row group holds; each third is a test image."""
    levels = np.arange(COUNT).astype(np.uint8)[:, None, None]
    return {
        "id": [f"{row:04}" for row in range(COUNT)],
        "labelled": LABELLED,
        "image": pixels_to_array(np.broadcast_to(levels, (COUNT, SIDE, SIDE))).to_pylist(),
        "mask": [bytes(SIDE * SIDE) if labelled else None for labelled in LABELLED],
        "depth": [None, *range(100, 99 + COUNT)],
        "position": [None if labelled else row for row, labelled in enumerate(LABELLED)],
    }


@pytest.fixture
def written(tmp_path: Path, columns: dict[str, Iterable[Any]]) -> Path:
    write_dataset(tmp_path / "dataset.parquet", columns)
    return tmp_path / "dataset.parquet"


def table(columns: dict[str, Iterable[Any]]) -> pa.Table:
    return pa.table(columns, schema=DATASET)


def content_hash(*parts: pa.Table) -> str:
    found = ContentHash()
    for part in parts:
        found.add(part)
    return str(found)


def test_the_hash_is_the_same_however_the_rows_are_parted(columns: dict[str, Iterable[Any]]) -> None:
    rows = table(columns)
    parts = [rows.slice(begin, end - begin) for begin, end in pairwise([0, 1, 7, 400, COUNT])]
    assert content_hash(*parts) == content_hash(rows)


def test_the_hash_of_a_dataset_stays_from_version_to_version(columns: dict[str, Iterable[Any]]) -> None:
    assert content_hash(table(columns)) == "44b592374a8132ca"


def test_all_columns_are_hashed_but_the_position(columns: dict[str, Iterable[Any]]) -> None:
    before = content_hash(table(columns))
    for name, values in columns.items():
        changed = list(values)
        changed[1] = {
            "id": "0001x",
            "labelled": False,
            "image": bytes(SIDE * SIDE - 1) + b"\1",
            "mask": b"\1" + bytes(SIDE * SIDE - 1),
            "depth": 5,
            "position": 5,
        }[name]
        assert (content_hash(table(columns | {name: changed})) == before) == (name == "position"), name


def test_the_wanted_columns_are_read_a_row_group_at_a_time(written: Path) -> None:
    groups = list(dataset_groups(written, ["position", "id"]))
    assert [group.num_rows for group in groups] == [ROW_GROUP, COUNT - ROW_GROUP]
    assert {tuple(group.column_names) for group in groups} == {("position", "id")}


@pytest.mark.parametrize(
    "alter",
    [
        lambda rows: rows[:-1],
        lambda rows: [*rows[:-1], rows[-1] | {"image": b"\1" + rows[-1]["image"][1:]}],
        lambda rows: [*rows[:-1], rows[-1] | {"depth": 1}],
        lambda rows: [rows[0], rows[1] | {"mask": b"\1" + rows[1]["mask"][1:]}, *rows[2:]],
    ],
    ids=["row missing", "image", "depth", "mask"],
)
def test_rows_that_were_altered_under_the_same_hash_are_refused(written: Path, alter: Any) -> None:
    rows, facts = read_table(written, DATASET)
    altered = pa.Table.from_pylist(alter(rows.to_pylist()), schema=DATASET).to_pydict()
    write_table(written, DATASET, altered, facts)
    with pytest.raises(SaltError) as error:
        list(dataset_groups(written, ["id"]))
    message = f"{written}: data_hash: the images, masks or depths are not those that this hash was made of"
    found = content_hash(table(altered))
    assert str(error.value) == f"{message} (found {facts['data_hash']}, expected {found})"


def test_a_dataset_without_a_hash_is_refused(written: Path) -> None:
    rows, _ = read_table(written, DATASET)
    write_table(written, DATASET, rows.to_pydict(), {})
    with pytest.raises(SaltError, match=r"data_hash: .*\(found none, expected [0-9a-f]{16}\)"):
        list(dataset_groups(written, ["id"]))
