"""Weights that are learned on out-of-fold maps, alone and as the stage uses them."""

import json
from math import comb
from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.core.blend import weighted_mean
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import score_images
from salt_pipeline.components.core.schemas import (
    DATASET,
    MAPS,
    SIDE,
    array_to_pixels,
    pixels_to_array,
    read_table,
    write_table,
)
from salt_pipeline.components.ensemble.merge import MapRows
from salt_pipeline.components.ensemble.stage import blend
from salt_pipeline.components.ensemble.weights import CANDIDATES, lattice, learn_weights
from tests.components.dataset import write_dataset
from tests.components.ensemble.maps import Ensemble, make_ensemble

COLUMNS = np.arange(SIDE)


@pytest.mark.parametrize("encoders", range(1, 25))
def test_candidates_are_all_positive_multiples_of_a_step(encoders: int) -> None:
    found = lattice(encoders)
    steps = round(1 / min(min(weights) for weights in found))
    assert len(set(found)) == len(found) == comb(steps - 1, encoders - 1) <= CANDIDATES
    for weights in found:
        assert sum(weights) == pytest.approx(1)
        assert np.allclose(np.array(weights) * steps, np.rint(np.array(weights) * steps))
        assert min(weights) > 0


def test_two_encoders_are_tried_in_twentieths() -> None:
    assert [weights[0] for weights in lattice(2)] == pytest.approx(np.arange(1, 20) / 20)


def columns(widths: list[int], level: int = 255) -> np.ndarray:
    """Maps with salt in the first columns, as many as `widths` says."""
    salt_BHW = np.broadcast_to(np.array(widths)[:, None, None] > COLUMNS, (len(widths), SIDE, SIDE))
    return (salt_BHW * level).astype(np.uint8)


def rows(ids: list[str], maps_BHW: np.ndarray) -> MapRows:
    return MapRows(np.array(ids), maps_BHW, np.zeros(len(ids), np.float32), np.full(len(ids), "file"))


def test_the_weights_of_a_fold_do_not_depend_on_its_own_images() -> None:
    truth = dict(zip("abcdef", columns([50] * 6, 1), strict=True))
    # The first encoder is right on two folds of one image, the second on a fold of four.
    folds = []
    for ids, first_is_right in (("a", True), ("b", True), ("cdef", False)):
        right = columns([50] * len(ids))
        one, other = (right, 255 - right) if first_is_right else (255 - right, right)
        folds.append([[rows([*ids], one), rows([*ids], other)]])

    *by_fold, final = learn_weights(folds, truth, 2)

    assert [weights[0] > 0.5 for weights in by_fold] == [False, False, True]
    assert final[0] < 0.5


def test_an_image_without_a_mask_is_named() -> None:
    with pytest.raises(SaltError, match="file: b: has no mask in the dataset"):
        learn_weights([[[rows(["a", "b"], columns([1, 2]))]]], {"a": columns([1])[0]}, 1)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Ensemble, str, np.ndarray]:
    """An ensemble whose second encoder is nearly right, and a dataset with the truth."""
    made = make_ensemble(tmp_path, [0.5, 0.5], 3, 60, 20)
    made.config["ensemble"] = {"weights": "learned"}
    random = np.random.default_rng(1)
    mask_BHW = (made.oof_EBHW.mean(axis=0) + random.normal(0, 30, (60, SIDE, SIDE)) > 127).astype(np.uint8)
    pixels = pixels_to_array(mask_BHW)
    columns = {"id": made.oof_ids, "labelled": [True] * 60, "image": pixels, "mask": pixels, "depth": [None] * 60}
    data_hash = write_dataset(tmp_path / "dataset.parquet", columns | {"position": [None] * 60})
    for path in [*made.oof, *made.maps]:
        table, facts = read_table(path, MAPS)
        write_table(path, MAPS, table.to_pydict(), facts | {"data_hash": data_hash})
    return made, str(tmp_path / "dataset.parquet"), mask_BHW


def test_the_stage_blends_a_fold_by_what_is_best_on_the_others(
    tmp_path: Path, made: tuple[Ensemble, str, np.ndarray]
) -> None:
    ensemble, dataset, mask_BHW = made
    oof, test = str(tmp_path / "oof.parquet"), str(tmp_path / "test.parquet")

    oof_facts, test_facts = blend(
        dataset, ensemble.oof, ensemble.maps, ensemble.config, blended_oof=oof, blended_test=test
    )

    blends = [weighted_mean(weights, [[maps] for maps in ensemble.oof_EBHW]) for weights in lattice(2)]
    score_CTB = np.array([[score_images(maps, mask_BHW, (k - 0.5) / 255) for k in range(1, 256)] for maps in blends])
    found, _ = read_table(oof, MAPS)
    maps_BHW = array_to_pixels(found["map"])
    by_fold = list(zip(*json.loads(oof_facts["weights"]).values(), strict=True))
    for fold, weights in enumerate(by_fold):
        ids = read_table(ensemble.oof[fold], MAPS)[0]["id"].to_pylist()
        own_B = np.isin(ensemble.oof_ids, ids)
        best = score_CTB[:, :, ~own_B].sum(axis=2).max(axis=1)
        assert best[lattice(2).index(weights)] == pytest.approx(best.max())
        expected_BHW = weighted_mean(weights, [[maps[own_B]] for maps in ensemble.oof_EBHW])
        assert (maps_BHW[own_B] == expected_BHW).all()

    final = tuple(json.loads(test_facts["weights"]).values())
    best = score_CTB.sum(axis=2).max(axis=1)
    assert best[lattice(2).index(final)] == pytest.approx(best.max())
    map_weights = [weight / 3 for weight in final]
    expected_BHW = weighted_mean(map_weights, [list(maps) for maps in ensemble.test_EFBHW])
    assert (array_to_pixels(read_table(test, MAPS)[0]["map"]) == expected_BHW).all()


def test_a_dataset_of_other_data_is_refused(tmp_path: Path, made: tuple[Ensemble, str, np.ndarray]) -> None:
    ensemble, dataset, _ = made
    columns = read_table(dataset, DATASET)[0].to_pydict()
    found = write_dataset(tmp_path / "other.parquet", columns | {"depth": [7] * 60})
    with pytest.raises(SaltError, match=rf"other.parquet: data_hash: does not match .*found {found}, expected "):
        blend(
            str(tmp_path / "other.parquet"),
            ensemble.oof,
            ensemble.maps,
            ensemble.config,
            blended_oof=str(tmp_path / "oof.parquet"),
            blended_test=str(tmp_path / "test.parquet"),
        )
    assert not (tmp_path / "oof.parquet").exists()
