import json
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.schemas import MAPS, ROW_GROUP, array_to_pixels, read_table
from tests.components.ensemble.maps import (
    TENTHS,
    Ensemble,
    assert_refused,
    blend_made,
    make_ensemble,
    with_another_last,
    write_maps,
)


def _exact_mean(weights: list[float], folds: int, maps_EFBHW: np.ndarray) -> np.ndarray:
    """Computes the weighted mean in integers, rounded half up; weights are tenths."""
    tenths = [int(Fraction(str(weight)) * 10) for weight in weights]
    scale = 10 * folds
    total = sum(tenth * maps.astype(np.int64).sum(axis=0) for tenth, maps in zip(tenths, maps_EFBHW, strict=True))
    return (2 * total + scale) // (2 * scale)


def _assert_right(folder: Path, made: Ensemble) -> None:
    weights = [encoder["weight"] for encoder in made.config["encoders"]]
    folds = made.config["split"]["folds"]
    weights_E = np.array(weights)
    hashes = {"encoder": "ensemble", "data_hash": "da7a", "config_hash": "c0de"}
    table, metadata = read_table(folder / "oof.parquet", MAPS)
    names = [encoder["name"] for encoder in made.config["encoders"]]
    of_oof = {name: [weight] * folds for name, weight in zip(names, weights, strict=True)}
    assert metadata == {"kind": "oof", **hashes, "weights": json.dumps(of_oof)}
    assert table["id"].to_pylist() == made.oof_ids
    assert (array_to_pixels(table["map"]) == _exact_mean(weights, 1, made.oof_EBHW[:, None])).all()
    np.testing.assert_allclose(table["salt"].to_numpy(), weights_E @ made.oof_salt_EB, rtol=1e-6)
    table, metadata = read_table(folder / "test.parquet", MAPS)
    assert metadata == {"kind": "test", **hashes, "weights": json.dumps(dict(zip(names, weights, strict=True)))}
    assert table["id"].to_pylist() == made.test_ids
    assert (array_to_pixels(table["map"]) == _exact_mean(weights, folds, made.test_EFBHW)).all()
    np.testing.assert_allclose(table["salt"].to_numpy(), weights_E @ made.test_salt_EFB.mean(axis=1), rtol=1e-6)


@settings(deadline=None, max_examples=6)
@given(st.integers(1, 4), st.integers(2, 5), st.integers(0, 60), st.integers(0, 60), st.integers(0, 99))
@example(1, 2, ROW_GROUP, ROW_GROUP - 1, 0)
@example(2, 2, ROW_GROUP + 1, 2 * ROW_GROUP, 1)
@example(3, 5, 40, 30, 2)
@example(1, 2, 0, 0, 3)
def test_the_blend_is_the_weighted_mean(encoders: int, folds: int, labelled: int, tests: int, seed: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = make_ensemble(folder, TENTHS[encoders], folds, labelled, tests, seed)
        blend_made(folder, made)
        _assert_right(folder, made)


def test_row_groups_are_full(tmp_path: Path) -> None:
    made = make_ensemble(tmp_path, [1.0], 3, 1100, 5)
    blend_made(tmp_path, made)
    file = pq.ParquetFile(tmp_path / "oof.parquet").metadata
    assert [file.row_group(k).num_rows for k in range(file.num_row_groups)] == [512, 512, 76]


def test_order_of_inputs_does_not_matter(tmp_path: Path) -> None:
    made = make_ensemble(tmp_path, TENTHS[3], 2, 30, 20)
    blend_made(tmp_path, made)
    first = [(tmp_path / name).read_bytes() for name in ("oof.parquet", "test.parquet")]
    blend_made(tmp_path, made, oof=made.oof[::-1], maps=made.maps[3:] + made.maps[:3])
    assert [(tmp_path / name).read_bytes() for name in ("oof.parquet", "test.parquet")] == first


def test_the_facts_have_hashes_and_weights(tmp_path: Path) -> None:
    oof, test = blend_made(tmp_path, make_ensemble(tmp_path, TENTHS[2], 2, 9, 9))
    assert json.loads(oof.pop("weights")) == {"a": [0.3, 0.3], "b": [0.7, 0.7]}
    assert json.loads(test.pop("weights")) == {"a": 0.3, "b": 0.7}
    hashes = {"encoder": "ensemble", "data_hash": "da7a", "config_hash": "c0de"}
    assert (oof, test) == ({"kind": "oof", **hashes}, {"kind": "test", **hashes})


def test_test_maps_of_other_ids_are_refused(tmp_path: Path, made: Ensemble) -> None:
    incomplete = with_another_last(tmp_path, made, [i for i in made.test_ids if i != made.test_ids[4]])
    message = f"test_a0.parquet: {made.test_ids[4]}: is missing from .*other.parquet.*found {made.test_ids[5]}"
    assert_refused(tmp_path, made, message, maps=incomplete)
    incomplete = with_another_last(tmp_path, made, made.test_ids[:-1])
    assert_refused(tmp_path, made, f"{made.test_ids[-1]}: is missing from .*other.parquet", maps=incomplete)


def test_unsorted_and_duplicate_rows_are_refused(tmp_path: Path, made: Ensemble) -> None:
    ids = made.test_ids
    swapped = with_another_last(tmp_path, made, [ids[1], ids[0], *ids[2:]])
    assert_refused(
        tmp_path, made, f"other.parquet: id, row 2: rows are not sorted.*{ids[0]} after {ids[1]}", maps=swapped
    )
    duplicate = with_another_last(tmp_path, made, [*ids[:3], ids[2], *ids[4:]])
    assert_refused(tmp_path, made, f"other.parquet: id, row 4: the image is duplicate.*{ids[2]}", maps=duplicate)


def _replace_oof(folder: Path, made: Ensemble, ids: list[str]) -> list[str]:
    """The out-of-fold files, that of b fold 2 with other ids."""
    count = len(ids)
    maps, salt = made.oof_EBHW[1, :count], made.oof_salt_EB[1, :count]
    return [*made.oof[:-1], write_maps(folder / "other.parquet", ids, maps, salt, kind="oof", encoder="b", fold="2")]


def test_out_of_fold_maps_of_other_ids_are_refused(tmp_path: Path, made: Ensemble) -> None:
    held = read_table(made.oof[-1], MAPS)[0]["id"].to_pylist()
    incomplete = _replace_oof(tmp_path, made, held[1:])
    message = rf"oof_a2.parquet: {held[0]}: is missing from .*other.parquet"
    assert_refused(tmp_path, made, message, oof=incomplete)


def test_an_image_in_two_folds_is_refused(tmp_path: Path, made: Ensemble) -> None:
    held = read_table(made.oof[-1], MAPS)[0]["id"].to_pylist()
    repeated = read_table(made.oof[3], MAPS)[0]["id"][0].as_py()
    ids = sorted([*held, repeated])
    maps, salt = made.oof_EBHW[0, : len(ids)], made.oof_salt_EB[0, : len(ids)]
    for encoder, place in (("a", 2), ("b", 5)):
        path = tmp_path / f"other_{encoder}.parquet"
        made.oof[place] = write_maps(path, ids, maps, salt, kind="oof", encoder=encoder, fold="2")
    assert_refused(tmp_path, made, rf"oof_a0.parquet: {repeated}: is in two folds.*other_a.parquet")


def test_weights_that_do_not_sum_to_one_are_refused(tmp_path: Path, made: Ensemble) -> None:
    config = {**made.config, "encoders": [{"name": "a", "weight": 0.5}, {"name": "b", "weight": 0.6}]}
    assert_refused(tmp_path, made, "sum to 1, found 1.1", config=config)


def test_a_truncated_input_is_refused(tmp_path: Path, made: Ensemble) -> None:
    path = Path(made.maps[2])
    path.write_bytes(path.read_bytes()[:-100])
    assert_refused(tmp_path, made, "test_a2.parquet: is not a Parquet file, or is damaged")


def test_damaged_pages_are_refused(tmp_path: Path, made: Ensemble) -> None:
    path = Path(made.maps[2])
    content = bytearray(path.read_bytes())
    content[100:300] = bytes(200)
    path.write_bytes(content)
    assert_refused(tmp_path, made, "test_a2.parquet: is damaged")
