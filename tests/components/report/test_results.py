import numpy as np
import pytest

from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.intervals import interval
from salt_pipeline.components.core.metric import cut, score_images
from salt_pipeline.components.report.inputs import Maps, read_truth
from salt_pipeline.components.report.results import score_by_cut, without_constant
from tests.components.report.conftest import FOLD_COUNT, MIN_AREA, NAMES, THRESHOLD, Made


@pytest.mark.parametrize("name", [*NAMES, "ensemble"])
def test_numbers_are_those_of_the_rules_read_literally(reported: tuple[Made, dict[str, float]], name: str) -> None:
    made, values = reported
    document = read_json(made.folder / "metrics.json")
    found = {result["name"]: result for result in [*document["encoders"], document["ensemble"]]}[name]
    half = np.array(made.plain_scores(name, 0.5, 0))
    chosen = np.array(made.plain_scores(name, THRESHOLD, MIN_AREA))
    right = (made.salt[name] > 0.5) == made.masks.any(axis=(1, 2))
    assert 0.1 < chosen.mean() < 0.95
    assert found["score_at_half"] == pytest.approx(half.mean())
    assert found["score"] == pytest.approx(chosen.mean())
    assert found["salt_accuracy"] == pytest.approx(right.mean())
    assert [fold["fold"] for fold in found["folds"]] == list(range(FOLD_COUNT))
    for fold in found["folds"]:
        rows = made.folds == fold["fold"]
        assert fold["images"] == rows.sum()
        assert fold["score_at_half"] == pytest.approx(half[rows].mean())
        assert fold["score"] == pytest.approx(chosen[rows].mean())
        assert fold["salt_accuracy"] == pytest.approx(right[rows].mean())
    prefix = "" if name == "ensemble" else f"{name}/"
    assert values[f"{prefix}score"] == found["score"]
    assert values[f"{prefix}score_at_half"] == found["score_at_half"]
    assert values[f"{prefix}salt_accuracy"] == found["salt_accuracy"]


def test_the_pooled_score_is_a_mean_over_images_not_over_folds(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    sizes = np.bincount(made.folds)
    assert len(set(sizes)) > 1
    result = read_json(made.folder / "metrics.json")["ensemble"]
    scores = [fold["score"] for fold in result["folds"]]
    assert result["score"] == pytest.approx(np.average(scores, weights=sizes))
    assert result["score"] != pytest.approx(np.mean(scores), abs=1e-6)


def test_the_document_says_what_was_measured(reported: tuple[Made, dict[str, float]]) -> None:
    made, values = reported
    document = read_json(made.folder / "metrics.json")
    facts = {key: value for key, value in document.items() if key not in {"encoders", "ensemble", "classification"}}
    assert facts == {
        "score_cross_fitted": 0.65,
        "weights": dict.fromkeys(made.names, 1 / len(made.names)),
        "threshold": THRESHOLD,
        "min_area": MIN_AREA,
        "images": 40,
        "data_hash": "feedfacecafebeef",
        "config_hash": made.config_hash,
        "synthetic": False,
        "epoch_by_fold": True,
        "level": 0.95,
        "resamples": 1000,
        "seed": 42,
    }
    low, high = document["ensemble"]["score_interval"]
    assert low < values["score"] < high
    assert (values["score_low"], values["score_high"]) == (low, high)
    assert values["score_cross_fitted"] == 0.65
    assert all(isinstance(value, float) for value in values.values())


def test_salt_and_no_salt_are_counted_by_classifier_and_by_mask(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    found = read_json(made.folder / "metrics.json")["classification"]
    truth = made.masks.any(axis=(1, 2))
    called = made.salt["ensemble"] > 0.5
    masks = (made.maps["ensemble"] / 255 > THRESHOLD).sum(axis=(1, 2)) >= MIN_AREA
    masks[3] = False  # black
    for key, predicted in (("by_classifier", called), ("by_mask", masks)):
        expected = [[int(((truth == t) & (predicted == p)).sum()) for p in (False, True)] for t in (False, True)]
        assert found[key] == expected
    assert 0 < found["roc"]["auc"] < 1


def test_constant_images_are_predicted_empty(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    labelled = read_truth(made.paths["dataset"], made.paths["folds"])
    maps = Maps(made.maps["plain"], made.salt["plain"])
    emptied = without_constant(maps, labelled)
    assert made.maps["plain"][3].min() == 200
    assert emptied.maps_BHW[3].max() == 0
    kept = np.arange(40) != 3
    np.testing.assert_array_equal(emptied.maps_BHW[kept], made.maps["plain"][kept])


def test_interval_is_near_the_normal_one_and_seeded() -> None:
    scores = np.random.default_rng(1).integers(0, 11, 2000) / 10
    low, high = interval(scores, seed=5)
    half_width = 1.96 * scores.std() / np.sqrt(len(scores))
    assert scores.mean() - low == pytest.approx(half_width, rel=0.15)
    assert high - scores.mean() == pytest.approx(half_width, rel=0.15)
    assert interval(scores, seed=5) == (low, high)
    assert interval(scores, seed=6) != (low, high)


def test_interval_of_equal_scores_is_a_point() -> None:
    assert interval(np.full(30, 0.5), seed=1) == (0.5, 0.5)


@pytest.mark.parametrize("min_area", [0, 1, MIN_AREA, 4000])
def test_score_by_cut_is_the_metric_at_each_threshold(reported: tuple[Made, dict[str, float]], min_area: int) -> None:
    made, _ = reported
    labelled = read_truth(made.paths["dataset"], made.paths["folds"])
    maps = Maps(made.maps["ensemble"], made.salt["ensemble"])
    by_cut = score_by_cut(maps, labelled, min_area)
    assert by_cut.shape == (255,)
    for threshold in (0.0, 0.25, 0.5, 0.7, 0.99):
        expected = score_images(maps.maps_BHW, labelled.masks_BHW, threshold, min_area).mean()
        assert by_cut[cut(threshold) - 1] == pytest.approx(expected)
