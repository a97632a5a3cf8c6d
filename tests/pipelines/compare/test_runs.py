from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.paired import masks_of, pair, read_truth
from salt_pipeline.components.core.schemas import MAPS, array_to_pixels, read_table
from salt_pipeline.pipelines.compare.runs import changed_most, differing, open_finished
from tests.pipelines.compare.finished import finished


def test_won_and_lost_images_are_counted(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    truth = read_truth(survey.dataset)
    first, other = (masks_of(open_finished(str(run), tmp_path), truth).score_B for run in runs)
    empty = ~survey.mask_BHW.any(axis=(1, 2))
    assert first.tolist() == empty.astype(float).tolist()
    assert other[2:].tolist() == [1.0] * 22
    paired = pair("good", first, other)
    won = int((~empty[2:]).sum())
    lost = int(empty[:2].sum())
    assert (paired.won, paired.lost, paired.tied) == (won, lost, 24 - won - lost)
    assert paired.mean == pytest.approx((won - lost) / 24)
    assert paired.low <= paired.mean <= paired.high


def test_masks_follow_the_threshold_and_the_smallest_area_of_the_run(tmp_path: Path, survey: SimpleNamespace) -> None:
    map_BHW = np.zeros_like(survey.mask_BHW)
    map_BHW[0, :3, :3], map_BHW[1, :4, :4], map_BHW[2] = 200, 200, 100
    run = open_finished(str(finished(tmp_path / "run", survey, map_BHW, threshold=0.5, min_area=10)), tmp_path)
    salt_BHW = masks_of(run, read_truth(survey.dataset)).salt_BHW
    assert salt_BHW.sum(axis=(1, 2))[:3].tolist() == [0, 16, 0]


def test_the_images_that_changed_most_come_first() -> None:
    first_B, other_B = np.array([0.5, 0.0, 1.0, 0.3, 0.9]), np.array([0.5, 1.0, 0.0, 0.4, 0.8])
    assert changed_most(first_B, other_B, 2) == [1, 3, 2, 4]


def test_only_options_that_differ_are_listed(tmp_path: Path, runs: list[Path]) -> None:
    assert differing([open_finished(str(run), tmp_path) for run in runs]) == {"train.epochs": [2, 7]}


def test_runs_on_other_data_are_refused(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    table, _ = read_table(str(runs[0] / "ensemble/oof.parquet"), MAPS)
    other = finished(tmp_path / "other", survey, array_to_pixels(table["map"]), data_hash="0" * 16)
    with pytest.raises(SaltError, match=r"other-1a2b3c: data_hash: does not match the other inputs"):
        masks_of(open_finished(str(other), tmp_path), read_truth(survey.dataset))


def test_a_folder_that_holds_no_run_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SaltError, match=f"^{folder}: holds no run"):
            open_finished(str(folder), tmp_path)


def test_a_run_that_has_not_finished_is_refused(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    (runs[1] / "metrics.json").unlink()
    with pytest.raises(SaltError, match=r"good.*no scores yet"):
        open_finished(str(runs[1]), tmp_path)
