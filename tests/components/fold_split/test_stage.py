import hashlib
import json
import logging
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import (
    DATASET,
    FOLDS,
    SIDE,
    open_table,
    read_table,
    table_metadata,
    table_writer,
)
from salt_pipeline.components.fold_split.stage import _assign, split
from salt_pipeline.components.fold_split.strata import ORDER, merge_rare
from tests.components.fold_split.sections import blocks, cut_section, write_dataset

AREAS = [0, 0, 0, 1500, 4000, 7000]


def _sections(number: int) -> tuple[np.ndarray, np.ndarray]:
    images = np.concatenate([cut_section(seed, 2, 3) for seed in range(number)])
    return images, blocks(AREAS * number)


def _folds(path: Path) -> dict[str, list]:
    return read_table(path, FOLDS)[0].to_pydict()


def test_touching_tiles_are_in_one_fold_unless_switched_off(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d.parquet", *_sections(6), unlabelled=3)
    straddling = {}
    for touching in (True, False):
        config = {"split": {"folds": 3, "group_touching": touching}}
        split(dataset, config, str(tmp_path / "f.parquet"))
        fold = np.array(_folds(tmp_path / "f.parquet")["fold"]).reshape(6, 6)
        straddling[touching] = sum(len(set(section)) > 1 for section in fold.tolist())
    assert straddling[True] == 0
    assert straddling[False] > 0


def test_rows_that_are_not_sorted_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d.parquet", *_sections(4), order=np.arange(24)[::-1], unlabelled=2)
    with pytest.raises(SaltError, match=r"d\.parquet: id, row 2: rows are not sorted by id \(found t022 after t023"):
        split(dataset, {"split": {"folds": 2}}, str(tmp_path / "f.parquet"))
    assert not (tmp_path / "f.parquet").exists()


def test_the_folds_are_the_same_on_every_machine(tmp_path: Path) -> None:
    """The images are computed with integers, and so do not depend on the random numbers or floats of a library."""
    i, y, x = np.ogrid[:30, :101, :101]
    images = ((i * 7919 + y * (31 + i) + x * (17 + 3 * i) + y * x * i) % 251).astype(np.uint8)
    dataset = write_dataset(tmp_path / "d.parquet", images, blocks([0, 900, 0, 5000, 9000] * 6))
    split(dataset, {}, str(tmp_path / "f.parquet"))
    text = json.dumps(_folds(tmp_path / "f.parquet"))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "fd38d398cb892a43"


def test_the_folds_depend_on_the_seed(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d.parquet", *_sections(4))
    found = []
    for seed in (1, 2):
        config = {"seed": seed, "split": {"folds": 2, "group_touching": False}}
        split(dataset, config, str(tmp_path / "f.parquet"))
        found.append(_folds(tmp_path / "f.parquet")["fold"])
    assert found[0] != found[1]


def test_jobs_and_facts(tmp_path: Path) -> None:
    config = {"split": {"folds": 2}, "encoders": [{"name": "a", "weight": 0.4}, {"name": "b", "weight": 0.6}]}
    dataset = write_dataset(tmp_path / "d.parquet", *_sections(3), unlabelled=1)
    data_hash = table_metadata(open_table(dataset, DATASET))["data_hash"]
    jobs, facts = split(dataset, config, str(tmp_path / "f.parquet"))
    assert jobs == [{"encoder": encoder, "fold": fold} for encoder in "ba" for fold in (0, 1)]
    assert facts == {
        "data_hash": data_hash,
        "config_hash": parse_config(config).hash,
        "folds": "2",
        "groups": "3",
        "largest_group": "6",
    }
    metadata = read_table(tmp_path / "f.parquet", FOLDS)[1]
    assert metadata == {"data_hash": data_hash, "folds": "2", "seed": "42"}


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(ORDER), min_size=12, max_size=120), st.integers(2, 6), st.integers(0, 99))
def test_every_stratum_is_spread_evenly(names: list[str], folds: int, seed: int) -> None:
    strata = merge_rare(np.array(names, dtype=np.str_), folds)
    groups = np.arange(len(names), dtype=np.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fold = _assign(strata, groups, parse_config({"seed": seed, "split": {"folds": folds}}))
    for name, size in Counter(strata.tolist()).items():
        sizes_F = np.bincount(fold[strata == name], minlength=folds)
        assert sizes_F.min() >= size // folds - 1
        assert sizes_F.max() <= -(-size // folds) + 1


def test_groups_are_spread_evenly(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d.parquet", *_sections(8))
    split(dataset, {"split": {"folds": 4}}, str(tmp_path / "f.parquet"))
    table = _folds(tmp_path / "f.parquet")
    assert Counter(table["fold"]) == {0: 12, 1: 12, 2: 12, 3: 12}


@pytest.mark.parametrize(("area", "word"), [(0, "no labelled image holds any salt"), (3000, "every labelled image")])
def test_images_of_one_class_are_split_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, area: int, word: str
) -> None:
    dataset = write_dataset(tmp_path / "d.parquet", cut_section(0, 3, 4), blocks([area] * 12))
    with caplog.at_level(logging.WARNING):
        split(dataset, {"split": {"folds": 4, "group_touching": False}}, str(tmp_path / "f.parquet"))
    assert word in caplog.text
    assert Counter(_folds(tmp_path / "f.parquet")["fold"]) == {0: 3, 1: 3, 2: 3, 3: 3}


def test_fewer_images_than_folds_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d.parquet", cut_section(0, 1, 3), blocks([0, 0, 9]), unlabelled=9)
    with pytest.raises(SaltError, match=r"fewer labelled images than folds.*3 images for 5 folds"):
        split(dataset, {}, str(tmp_path / "f.parquet"))
    assert not (tmp_path / "f.parquet").exists()


def test_a_dataset_without_labelled_images_is_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path / "d.parquet", np.empty((0, SIDE, SIDE), np.uint8), np.empty((0, SIDE, SIDE), np.uint8))
    with pytest.raises(SaltError, match="0 images for 5 folds"):
        split(str(tmp_path / "d.parquet"), {}, str(tmp_path / "f.parquet"))


def test_fewer_groups_than_folds_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d.parquet", *_sections(2))
    with pytest.raises(SaltError, match="2 groups for 5 folds"):
        split(dataset, {}, str(tmp_path / "f.parquet"))


def test_few_large_groups_leave_no_fold_empty() -> None:
    groups = np.array([0] * 50 + [1] * 50 + [2, 3], dtype=np.int32)
    strata = np.array(["empty"] * 60 + ["cover1"] * 42)
    fold = _assign(strata, groups, parse_config({"split": {"folds": 4}}))
    assert sorted(np.bincount(fold).tolist()) == [1, 1, 50, 50]


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(SaltError, match="is not a Parquet file"):
        split(str(tmp_path / "d.parquet"), {}, str(tmp_path / "f.parquet"))


def _altered_dataset(tmp_path: Path, **columns: Any) -> str:
    source = write_dataset(tmp_path / "d.parquet", cut_section(0, 2, 3), blocks(AREAS))
    table, metadata = read_table(source, DATASET)
    metadata |= columns.pop("metadata", {})
    if columns.pop("forget", False):
        metadata = {}
    for name, values in columns.items():
        field = DATASET.field(name)
        table = table.set_column(DATASET.get_field_index(name), field, pa.array(values, type=field.type))
    with table_writer(tmp_path / "altered.parquet", DATASET, metadata) as writer:
        writer.write_table(table.cast(DATASET.with_metadata(table.schema.metadata)))
    return str(tmp_path / "altered.parquet")


def test_a_duplicate_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match=r"id, row 3: the image is duplicate \(found b"):
        split(_altered_dataset(tmp_path, id=list("abbcde")), {"split": {"folds": 2}}, str(tmp_path / "f.parquet"))


def test_a_labelled_image_without_a_mask_is_refused(tmp_path: Path) -> None:
    masks = [None if i == 3 else bytes(101 * 101) for i in range(6)]
    with pytest.raises(
        SaltError, match=r"mask, row 4, image t003: is null \(expected a value exactly where labelled is true"
    ):
        split(_altered_dataset(tmp_path, mask=masks), {"split": {"folds": 2}}, str(tmp_path / "f.parquet"))


def test_a_dataset_without_a_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match="data_hash"):
        split(_altered_dataset(tmp_path, forget=True), {"split": {"folds": 2}}, str(tmp_path / "f.parquet"))
