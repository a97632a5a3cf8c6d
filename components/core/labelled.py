"""The labelled images of a dataset, and the checks that files belong to the same images, data and configuration."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salt_pipeline.components.core.dataset import dataset_groups
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, FOLDS, open_table, read_table, table_metadata


def read_labelled(dataset: str | Path, columns: list[str]) -> tuple[pa.Table, dict[str, str]]:
    """Reads the labelled rows of a dataset, a row group at a time: most images of a dataset are not labelled.

    Every row is checked and a part of the hash, also those that are not labelled.

    Returns:
        The rows, sorted by id, and the metadata of the file.

    Raises:
        SaltError: If the file is not a dataset, is damaged, holds a value that its schema does not allow, or if its
            rows are not those that its `data_hash` was made of.
    """
    with open_table(dataset, DATASET) as file:
        facts = table_metadata(file)
    groups = dataset_groups(dataset, [*columns, "labelled"])
    parts = [group.filter(group["labelled"]).select(columns) for group in groups]
    empty = pa.schema([DATASET.field(name) for name in columns]).empty_table()
    return (pa.concat_tables(parts) if parts else empty), facts


def read_folds(path: str | Path, ids: list[str], expected: Mapping[str, str]) -> NDArray[np.int32]:
    """Reads the fold (B,) that holds each labelled image out.

    Args:
        path: Parquet file of schema `FOLDS`.
        ids: The labelled images, sorted.
        expected: What the metadata of the file must say, for example its `data_hash`.

    Raises:
        SaltError: If the file is not of that schema, belongs to other images, or holds a fold that does not exist.
    """
    table, facts = read_table(path, FOLDS)
    check_facts(path, facts, expected)
    check_ids(path, table["id"].to_pylist(), ids)
    fold_B = table["fold"].to_numpy()
    largest = int(facts.get("folds", len(ids))) - 1
    if len(wrong := np.flatnonzero(fold_B > largest)):
        row = int(wrong[0])
        place = f"fold, row {row + 1}, image {ids[row]}"
        raise SaltError("no such fold", file=path, field=place, found=fold_B[row], expected=f"0 to {largest}")
    return fold_B


def check_facts(
    file: str | Path, found: Mapping[str, object], expected: Mapping[str, str], *, source: str | Path | None = None
) -> None:
    """Checks that a file was made from the same data, and by the same configuration, as the others.

    Args:
        file: The file, folder or run, as messages name it.
        found: What it says of its origin: the metadata of a Parquet file, or a JSON document.
        expected: The entries to compare, for example `data_hash` and `config_hash`.
        source: The file that `expected` comes from, if messages should name it.

    Raises:
        SaltError: Naming the first entry that is missing or different.
    """
    for key, wanted in expected.items():
        value = str(found.get(key, ""))
        if not value or value != wanted:
            origin = f" as in {source}" if source else ""
            raise SaltError(
                "does not match the other inputs",
                file=file,
                field=key,
                found=value or "none",
                expected=f"{wanted or 'none'}{origin}",
            )


def check_ids(file: str | Path, found: list[str], expected: list[str]) -> None:
    """Checks that the rows of a file are the expected images: each once, sorted.

    Raises:
        SaltError: Naming the file and the first image that is missing, unexpected, duplicate or out of order.
    """
    if found == expected:
        return
    if missing := sorted(set(expected) - set(found)):
        raise SaltError(f"{_images(missing)} missing", file=file, field="id", expected=missing[0])
    if unexpected := sorted(set(found) - set(expected)):
        raise SaltError(f"{_images(unexpected)} unexpected", file=file, field="id", found=unexpected[0])
    seen: set[str] = set()
    for image in found:
        if image in seen:
            raise SaltError("the image is duplicate", file=file, field="id", found=image)
        seen.add(image)
    first, wanted = next(pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1])
    raise SaltError("rows are not sorted by id", file=file, field="id", found=first, expected=wanted)


def _images(ids: list[str]) -> str:
    return "1 image is" if len(ids) == 1 else f"{len(ids)} images are"


def one_grey_level(images_BHW: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each image (B,) is of one grey level all over: no such image of the competition holds salt."""
    return np.asarray(images_BHW.max(axis=(1, 2)) == images_BHW.min(axis=(1, 2)))


def without_salt(maps_BHW: NDArray[np.uint8], empty_B: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A copy of maps or masks in which those of some images, usually of one grey level, are all 0."""
    return np.where(empty_B[:, None, None], np.uint8(0), maps_BHW)
