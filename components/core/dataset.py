"""Reads the dataset, and knows it by its content: rows other than those that its hash was made of are refused."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, array_to_pixels, open_table, row_groups, table_metadata

_HASHED = ["id", "labelled", "image", "mask", "depth"]


class ContentHash:
    """Hashes the images of a dataset, whatever kind of archive they come from."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, rows: pa.Table) -> None:
        """Adds the next rows of the schema `DATASET`, sorted by id; their `position` is not hashed."""
        images_BHW, masks_BHW = array_to_pixels(rows["image"]), array_to_pixels(rows["mask"])
        facts = zip(*(rows[name].to_pylist() for name in ("id", "labelled", "depth")), strict=True)
        for row, (image_id, labelled, depth) in enumerate(facts):
            self._digest.update(f"{image_id}\0{labelled:d}\0{depth}\0".encode())
            self._digest.update(images_BHW[row])
            if labelled:
                self._digest.update(masks_BHW[row])

    def __str__(self) -> str:
        """The first 16 hex digits of the SHA-256."""
        return self._digest.hexdigest()[:16]


def dataset_groups(path: str | Path, columns: list[str]) -> Iterator[pa.Table]:
    """Reads a dataset a row group at a time, of which it holds one, and checks each; after the last, checks the hash.

    Args:
        path: The file.
        columns: The columns to yield.

    Raises:
        SaltError: If the file is not a dataset, is damaged, holds a value that the schema does not allow, or if its
            rows are not those that its `data_hash` was made of.
    """
    with open_table(path, DATASET) as file:
        expected = table_metadata(file).get("data_hash")
    found = ContentHash()
    for group in row_groups(path, DATASET, list(dict.fromkeys([*_HASHED, *columns]))):
        found.add(group)
        yield group.select(columns)
    if str(found) != expected:
        problem = "the images, masks or depths are not those that this hash was made of"
        raise SaltError(problem, file=path, field="data_hash", found=expected or "none", expected=found)
