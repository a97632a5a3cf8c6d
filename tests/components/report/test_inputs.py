import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.core.schemas import FOLDS, MAPS, pixels_to_array, write_table
from salt_pipeline.components.report.inputs import read_jobs, read_truth
from tests.components.report.conftest import NAMES, Made


def test_only_labelled_images_are_read_sorted_by_id(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    labelled = read_truth(made.paths["dataset"], made.paths["folds"])
    assert labelled.ids == made.ids
    np.testing.assert_array_equal(labelled.images_BHW, made.images)
    np.testing.assert_array_equal(labelled.masks_BHW, made.masks)
    np.testing.assert_array_equal(labelled.fold_B, made.folds)
    assert (labelled.data_hash, labelled.synthetic) == (made.data_hash, False)


def test_the_maps_of_all_folds_are_joined_by_image(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    labelled = read_truth(made.paths["dataset"], made.paths["folds"])
    pooled = read_jobs(made.paths["oofs"], labelled, parse_config(made.config))
    assert tuple(pooled) == NAMES
    for name, maps in pooled.items():
        np.testing.assert_array_equal(maps.maps_BHW, made.maps[name])
        np.testing.assert_array_equal(maps.salt_B, made.salt[name])


def test_every_missing_job_is_named(made: Made) -> None:
    with pytest.raises(SaltError) as caught:
        made.report(oofs=[])
    assert str(caught.value).count(" missing") == 6


def test_a_duplicate_job_is_named_with_both_files(made: Made, tmp_path: Path) -> None:
    again = tmp_path / "again.parquet"
    shutil.copy(tmp_path / "oof00.parquet", again)
    with pytest.raises(SaltError, match=r"again\.parquet: duplicate .* of encoder plain, fold 0 .*oof00\.parquet"):
        made.report(oofs=[*made.paths["oofs"], str(again)])


@pytest.mark.parametrize("job", [{"encoder": "other", "fold": "0"}, {"encoder": "plain", "fold": "x"}, {}])
def test_a_job_that_is_not_in_the_configuration_is_named(made: Made, tmp_path: Path, job: dict[str, str]) -> None:
    made.write_maps("unknown", "plain", made.folds == 0, {"kind": "oof", **job})
    with pytest.raises(SaltError, match=r"unknown\.parquet: (encoder|fold): not in the configuration"):
        made.report(oofs=[*made.paths["oofs"], str(tmp_path / "unknown.parquet")])


def oof_facts(made: Made, **changes: str) -> dict[str, str]:
    return {"kind": "oof", "data_hash": made.data_hash, "config_hash": made.config_hash, **changes}


@pytest.mark.parametrize(("key", "value"), [("kind", "test"), ("data_hash", "0" * 16), ("config_hash", "0" * 16)])
def test_maps_of_other_data_or_another_configuration_are_refused(made: Made, key: str, value: str) -> None:
    facts = oof_facts(made, encoder="plain", fold="1")
    made.write_maps("oof01", "plain", made.folds == 1, facts | {key: value})
    with pytest.raises(SaltError, match=rf"oof01\.parquet: {key}: does not match the other inputs \(found {value}"):
        made.report()


def test_maps_of_the_images_of_another_fold_are_refused(made: Made) -> None:
    facts = oof_facts(made, encoder="plain", fold="1")
    made.write_maps("oof01", "plain", made.folds == 2, facts)
    with pytest.raises(SaltError, match=r"oof01\.parquet: id: 13 images are missing"):
        made.report()


def blend_facts(made: Made, **changes: str) -> dict[str, str]:
    weights = json.dumps(dict.fromkeys(made.names, 1 / len(made.names)))
    return oof_facts(made, **{"encoder": "ensemble", "weights": weights, **changes})


@pytest.mark.parametrize(("key", "value"), [("kind", "test"), ("data_hash", "0" * 16), ("config_hash", "0" * 16)])
def test_blended_maps_of_another_kind_or_run_are_refused(made: Made, key: str, value: str) -> None:
    made.write_maps("blended", "ensemble", slice(None), blend_facts(made, **{key: value}))
    with pytest.raises(SaltError, match=rf"blended\.parquet: {key}: does not match .*found {value}"):
        made.report()


def test_the_maps_of_one_job_are_not_taken_for_blended_ones(made: Made) -> None:
    made.write_maps("blended", "ensemble", slice(None), blend_facts(made, encoder="plain", fold="0"))
    with pytest.raises(SaltError, match=r"blended\.parquet: encoder: maps of one job, not blended \(found plain"):
        made.report()


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ('{"plain": NaN, "b.old+1": 1}', "is not valid metadata"),
        ('{"plain": [0.5, 0.5, 0.5]}', "is of other encoders"),
        ('{"plain": [0.5, 0.5, 0.5], "b.old+1": [0.5, 0.5, 0.6]}', "the weights do not sum to 1"),
        ('{"plain": [0.5, 0.5], "b.old+1": [0.5, 0.5]}', "is not valid metadata"),
        ('{"plain": [0.5, 0.5, 0.5], "b.old+1": 0.5}', "is not valid metadata"),
    ],
)
def test_weights_of_blended_maps_that_are_not_valid_are_named(made: Made, weights: str, problem: str) -> None:
    made.write_maps("blended", "ensemble", slice(None), blend_facts(made, weights=weights))
    with pytest.raises(SaltError, match=rf"blended\.parquet: weights: {problem}"):
        made.report()


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (slice(1, None), r"id: 1 image is missing \(expected 0000000000\)"),
        ([1, 0, *range(2, 40)], r"id, row 2: rows are not sorted by id \(found 0000000000 after 0000000001\)"),
        ([0, 0, *range(1, 40)], r"id, row 2: the image is duplicate \(found 0000000000 after 0000000000\)"),
    ],
)
def test_blended_maps_have_every_image_once(made: Made, rows: Any, problem: str) -> None:
    made.write_maps("blended", "ensemble", rows, blend_facts(made))
    with pytest.raises(SaltError, match=rf"blended\.parquet: {problem}"):
        made.report()


def test_blended_maps_of_test_images_are_refused(made: Made, tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "id": [*made.ids, "zzz"],
        "map": pixels_to_array(made.maps["ensemble"][[*range(40), 0]]),
        "salt": [0.5] * 41,
    }
    write_table(tmp_path / "blended.parquet", MAPS, columns, blend_facts(made))
    with pytest.raises(SaltError, match=r"id: 1 image is unexpected \(found zzz\)"):
        made.report()


def test_folds_of_other_data_are_refused(made: Made, tmp_path: Path) -> None:
    columns: dict[str, Any] = {"id": made.ids, "fold": made.folds, "group": range(40), "stratum": ["any"] * 40}
    write_table(tmp_path / "folds.parquet", FOLDS, columns, {"data_hash": "other", "folds": "3"})
    with pytest.raises(SaltError, match=r"folds\.parquet: data_hash: does not match the other inputs \(found other"):
        made.report()


def test_folds_that_the_configuration_does_not_have_are_refused(made: Made, tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "id": made.ids,
        "fold": [3, *made.folds[1:]],
        "group": range(40),
        "stratum": ["any"] * 40,
    }
    for count, problem in (
        (3, r"fold, row 1, .*: no such fold \(found 3, expected 0 to 2"),
        (4, r"folds: .*found 4.*3"),
    ):
        write_table(tmp_path / "folds.parquet", FOLDS, columns, {"data_hash": made.data_hash, "folds": str(count)})
        with pytest.raises(SaltError, match=rf"folds\.parquet: {problem}"):
            made.report()


EPOCH = {"epoch": 1, "phase": 1, "score": 0.5, "loss": 1.5, "seconds": 2.5, "ended": 1.7e9}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"epochs": []}, "epochs: List should have at least 1 item"),
        ({"data_hash": "other"}, r"data_hash: does not match the other inputs \(found other"),
        ({"config_hash": "other"}, r"config_hash: does not match the other inputs \(found other"),
        ({"encoder": None}, "encoder: Input should be a valid string"),
        ({"epochs": [{}]}, r"epochs\.0\.epoch: Field required"),
        ({"epochs": [EPOCH | {"phase": 3}]}, r"epochs\.0\.phase: Input should be 1 or 2"),
        ({"epochs": [EPOCH | {"score": 1.5}]}, r"epochs\.0\.score: Input should be less than"),
        ({"epochs": [EPOCH | {"loss": "inf"}]}, r"epochs\.0\.loss: Input should be a valid number"),
        ({"epochs": [EPOCH | {"score": "nan"}]}, r"epochs\.0\.score: "),
        ({"epochs": [EPOCH | {"epoch": -1}]}, r"epochs\.0\.epoch: Input should be greater"),
        ({"epochs": [EPOCH] * 2}, "epochs are not 1 to 2"),
        ({"best_epoch": 99}, "best_epoch is 99, of 6 epochs"),
        ({"best_epoch": -1}, "best_epoch: Input should be greater"),
        ({"seconds": -5}, "seconds: Input should be greater"),
        ({"seconds": "nan"}, "seconds: Input should be"),
        ({"images_per_second": "inf"}, "images_per_second: Input should be"),
        ({"fold": "1"}, r"fold: Input should be a valid integer \(found '1'"),
        ({"peak_memory_bytes": 10**30}, "peak_memory_bytes: Input should be less"),
        ({"ended": None}, "ended: Input should be a valid number"),
        ({"oof_score": 1.5}, "oof_score: Input should be less"),
        ({"epochs": [EPOCH | {"salt": "x"}]}, r"epochs\.0\.salt: .* valid number"),
    ],
)
def test_an_invalid_curve_is_named_by_file_and_field(made: Made, change: dict[str, Any], problem: str) -> None:
    path = made.paths["curves"][0]
    write_json(path, read_json(path) | change)
    with pytest.raises(SaltError, match=rf"{path}: {problem}"):
        made.report()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"threshold": 2}, "threshold: Input should be less than"),
        ({"threshold": "nan"}, "threshold: Input should be"),
        ({"score": "nan"}, "score: Input should be"),
        ({"score_cross_fitted": 1.01}, "score_cross_fitted: Input should be less than"),
        ({"min_area": -1}, "min_area: Input should be greater"),
        ({"weights": {"plain": "nan"}}, r"weights\.plain: Input should be"),
        ({"weights": {"plain": 1}}, r"weights: is of other encoders \(found plain, expected "),
        ({"weights": {"plain": 0.7, "b.old+1": 0.7}}, r"weights: the weights do not sum to 1 \(found 1\.4, expected 1"),
        ({"weights": {"plain": 0, "b.old+1": 1}}, r"weights\.plain: Input should be greater than 0"),
        ({"min_area": 10**30}, "min_area: Input should be less than"),
        ({"min_area": True}, "min_area: Input should be a valid integer"),
        ({"data_hash": "0" * 16}, r"data_hash: does not match .*\(found 0{16}, expected [0-9a-f]{16}"),
        ({"config_hash": "0" * 16}, r"config_hash: does not match .*\(found 0{16}"),
        ({"config_hash": None}, "config_hash: Input should be a valid string"),
    ],
)
def test_a_choice_that_is_invalid_or_of_another_run_is_named(made: Made, change: dict[str, Any], problem: str) -> None:
    path = made.paths["choice"]
    write_json(path, read_json(path) | change)
    with pytest.raises(SaltError, match=rf"choice\.json: {problem}"):
        made.report()


@pytest.mark.parametrize("content", [[], {}])
def test_another_document_is_no_choice(made: Made, content: Any) -> None:
    write_json(made.paths["choice"], content)
    with pytest.raises(SaltError, match=r"choice\.json: "):
        made.report()
