"""The labelled rows of a dataset, and files that do not belong together."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.labelled import (
    check_facts,
    check_ids,
    one_grey_level,
    read_folds,
    read_labelled,
    without_salt,
)
from salt_pipeline.components.core.schemas import (
    FOLDS,
    ROW_GROUP,
    SIDE,
    array_to_pixels,
    pixels_to_array,
    write_table,
)
from tests.components.dataset import write_dataset


@pytest.mark.parametrize("labelled", [[], [False, False], [True, False, True], [True] * (ROW_GROUP + 1)])
def test_only_labelled_rows_are_read(tmp_path: Path, labelled: list[bool]) -> None:
    count = len(labelled)
    ids = [f"{number:06d}" for number in range(count)]
    pixels_BHW = np.random.default_rng(0).integers(0, 256, (count, SIDE, 1), np.uint8) * np.ones((1, SIDE), np.uint8)
    pixels, nothing = pixels_to_array(pixels_BHW), [None] * count
    masks = [bytes(SIDE * SIDE) if chosen else None for chosen in labelled]
    columns: dict[str, Iterable[Any]] = {
        "id": ids,
        "labelled": labelled,
        "image": pixels,
        "mask": masks,
        "depth": nothing,
        "position": nothing,
    }
    data_hash = write_dataset(tmp_path / "dataset.parquet", columns)
    rows, facts = read_labelled(tmp_path / "dataset.parquet", ["id", "image"])
    assert facts == {"data_hash": data_hash}
    assert rows.column_names == ["id", "image"]
    assert rows["id"].to_pylist() == [image for image, chosen in zip(ids, labelled, strict=True) if chosen]
    np.testing.assert_array_equal(array_to_pixels(rows["image"]), pixels_BHW[np.array(labelled, dtype=bool)])


def test_folds_are_those_of_the_images(tmp_path: Path) -> None:
    path = tmp_path / "folds.parquet"
    columns: dict[str, Iterable[Any]] = {
        "id": ["a", "b", "c"],
        "fold": [2, 0, 1],
        "group": [0, 1, 2],
        "stratum": ["any"] * 3,
    }
    write_table(path, FOLDS, columns, {"data_hash": "da7a", "folds": "3"})
    assert read_folds(path, ["a", "b", "c"], {"data_hash": "da7a", "folds": "3"}).tolist() == [2, 0, 1]
    with pytest.raises(SaltError, match=r"folds\.parquet: id: 1 image is unexpected \(found c\)"):
        read_folds(path, ["a", "b"], {"data_hash": "da7a"})
    with pytest.raises(SaltError, match=r"folds\.parquet: folds: does not match .* \(found 3, expected 5\)"):
        read_folds(path, ["a", "b", "c"], {"data_hash": "da7a", "folds": "5"})
    write_table(path, FOLDS, columns | {"fold": [2, 0, 99]}, {"data_hash": "da7a", "folds": "3"})
    with pytest.raises(SaltError, match=r"fold, row 3, image c: no such fold \(found 99, expected 0 to 2\)"):
        read_folds(path, ["a", "b", "c"], {"data_hash": "da7a"})


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            {"data_hash": "beef", "config_hash": "c0de"},
            "data_hash: does not match the other inputs (found beef, expected da7a)",
        ),
        ({"data_hash": "da7a"}, "config_hash: does not match the other inputs (found none, expected c0de)"),
    ],
)
def test_the_first_fact_that_differs_is_named(found: dict[str, str], message: str) -> None:
    expected = {"data_hash": "da7a", "config_hash": "c0de"}
    check_facts("maps", expected | {"kind": "oof"}, expected)
    with pytest.raises(SaltError) as caught:
        check_facts("maps", found, expected)
    assert str(caught.value) == f"maps: {message}"


def test_the_source_of_what_is_expected_is_named() -> None:
    with pytest.raises(SaltError, match=r"expected da7a as in first\.parquet\)"):
        check_facts("second.parquet", {"data_hash": "beef"}, {"data_hash": "da7a"}, source="first.parquet")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("acd", "maps: id: 1 image is missing (expected b)"),
        ("ad", "maps: id: 2 images are missing (expected b)"),
        ("abcdef", "maps: id: 2 images are unexpected (found e)"),
        ("abccd", "maps: id: the image is duplicate (found c)"),
        ("acbd", "maps: id: rows are not sorted by id (found c, expected b)"),
    ],
)
def test_ids_that_differ_are_named(found: str, message: str) -> None:
    check_ids("maps", list("abcd"), list("abcd"))
    with pytest.raises(SaltError) as caught:
        check_ids("maps", list(found), list("abcd"))
    assert str(caught.value) == message


def test_images_of_one_grey_level_hold_no_salt() -> None:
    images_BHW = np.full((3, SIDE, SIDE), 77, np.uint8)
    images_BHW[1, -1, -1] += 1
    empty_B = one_grey_level(images_BHW)
    assert empty_B.tolist() == [True, False, True]
    emptied_BHW = without_salt(images_BHW, empty_B)
    assert emptied_BHW.dtype == np.uint8
    np.testing.assert_array_equal(emptied_BHW[1], images_BHW[1])
    assert not emptied_BHW[[0, 2]].any()
    assert images_BHW.all()  # the maps themselves are not changed
    assert one_grey_level(images_BHW[:0]).tolist() == []
