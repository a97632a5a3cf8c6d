import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.intervals import interval
from salt_pipeline.components.core.metric import score_images
from salt_pipeline.components.core.rle import decode
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.submission.check import check_submission
from tests.components.submission.conftest import World, run


def masks(world: World) -> dict[str, np.ndarray]:
    with Path(world.path("out/submission.csv")).open(newline="") as file:
        return {row["id"]: decode(row["rle_mask"]) for row in csv.DictReader(file)}


def test_masks_are_those_of_the_choice_in_the_order_of_the_sample(world: World) -> None:
    numbers = run(world)
    choice = json.loads(Path(world.path("out/choice.json")).read_text())
    assert check_submission(world.path("out/submission.csv"), world.test) == []
    written = masks(world)
    assert list(written) == world.test[::-1]
    for image, map_HW in zip(world.test, world.test_BHW, strict=True):
        expected_HW = map_HW / 255 > choice["threshold"]
        np.testing.assert_array_equal(
            written[image], expected_HW if expected_HW.sum() >= choice["min_area"] else np.zeros_like(expected_HW)
        )
    scores = score_images(world.oof_BHW, world.masks_BHW, choice["threshold"], choice["min_area"])
    assert choice["score"] == numbers["score"] == pytest.approx(scores.mean())
    assert choice["score_at_half"] == pytest.approx(score_images(world.oof_BHW, world.masks_BHW).mean())
    assert choice["score"] > 0.9 > choice["score_at_half"]
    assert choice["score_cross_fitted"] <= choice["score"]
    assert (choice["score_low"], choice["score_high"]) == interval(scores, 42)
    assert choice["score_low"] <= choice["score"] <= choice["score_high"]
    assert choice["salt_accuracy"] == 1
    assert choice["data_hash"] == world.data_hash
    assert choice["images"] == 24
    assert choice["test_images"] == 6
    assert set(numbers) == {"threshold", "min_area", "score", "score_at_half", "score_cross_fitted", "salt_accuracy"}


def test_the_same_inputs_give_the_same_bytes(world: World) -> None:
    run(world)
    first = Path(world.path("out/submission.csv")).read_bytes()
    run(world)
    assert Path(world.path("out/submission.csv")).read_bytes() == first


def test_a_fixed_threshold_and_area_are_used(world: World) -> None:
    numbers = run(world, threshold=0.5, min_area=0)
    assert numbers["threshold"] == 0.5
    assert numbers["min_area"] == 0
    assert numbers["score"] == numbers["score_at_half"] == numbers["score_cross_fitted"]
    np.testing.assert_array_equal(masks(world)[world.test[2]], world.test_BHW[2] >= 128)


def test_a_mask_of_exactly_the_smallest_area_is_kept(world: World) -> None:
    area = int((world.test_BHW[2] > 63).sum())
    assert area
    run(world, threshold=0.25, min_area=area)
    assert masks(world)[world.test[2]].sum() == area
    run(world, threshold=0.25, min_area=area + 1)
    assert not masks(world)[world.test[2]].any()


def test_constant_images_are_empty_out_of_fold_and_in_the_submission(world: World) -> None:
    before = run(world, threshold=0.5, min_area=0)["score"]
    empty = int(np.flatnonzero(world.masks_BHW.sum((1, 2)) == 0)[0])
    world.oof_BHW[empty] = 255
    world.test_BHW[1] = 255
    world.write()
    assert run(world, threshold=0.5, min_area=0)["score"] == pytest.approx(before - 1 / 24)
    assert masks(world)[world.test[1]].all()
    world.images_BHW[empty] = 0
    world.images_BHW[24 + 1] = 77
    world.write()
    assert run(world, threshold=0.5, min_area=0)["score"] == pytest.approx(before)
    assert not masks(world)[world.test[1]].any()


@pytest.mark.parametrize("salt", [0, 1])
def test_images_without_salt_and_full_of_salt(world: World, salt: int) -> None:
    world.masks_BHW[:] = salt
    world.oof_BHW[:] = salt * 255
    world.test_BHW[:] = salt * 255
    world.write()
    numbers = run(world)
    assert (numbers["score"], numbers["threshold"], numbers["min_area"]) == (1, 0.5, 0)
    assert all(mask.all() if salt else not mask.any() for mask in masks(world).values())


def test_the_result_does_not_depend_on_row_groups(world: World) -> None:
    before = run(world)
    expected = Path(world.path("out/submission.csv")).read_bytes()
    for name in ("dataset.parquet", "oof.parquet", "test.parquet"):
        table = pq.read_table(world.path(name))
        pq.write_table(table, world.path(name), row_group_size=5)
    assert run(world) == before
    assert Path(world.path("out/submission.csv")).read_bytes() == expected


def test_folds_of_other_ids_are_refused(world: World) -> None:
    world.write_folds(world.labelled[1:])
    with pytest.raises(SaltError, match=r"folds\.parquet: id: 1 image is missing \(expected a00\)"):
        run(world)


def test_without_test_images_the_submission_has_no_rows(world: World) -> None:
    world.test, world.images_BHW = [], world.images_BHW[:24]
    world.test_BHW = np.zeros((0, SIDE, SIDE), np.uint8)
    world.write()
    run(world)
    assert Path(world.path("out/submission.csv")).read_text() == "id,rle_mask\n"


def test_an_output_that_cannot_be_written_leaves_no_file(world: World) -> None:
    Path(world.path("out/submission.csv")).mkdir(parents=True)
    with pytest.raises(SaltError, match=r"submission\.csv: cannot be written"):
        run(world)
    assert [path.name for path in Path(world.path("out")).iterdir()] == ["submission.csv"]
