import numpy as np
import pytest

from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.inputs import Maps, read_truth
from salt_pipeline.components.report.results import without_constant
from tests.components.report.conftest import MIN_AREA, THRESHOLD, Made


def test_the_pooled_score_is_the_mean_over_images_not_over_folds(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    sizes = np.bincount(made.folds)
    assert len(set(sizes)) > 1
    result = read_json(made.folder / "metrics.json")["ensemble"]
    scores = [fold["score"] for fold in result["folds"]]
    assert result["score"] == pytest.approx(np.average(scores, weights=sizes))
    assert result["score"] != pytest.approx(np.mean(scores), abs=1e-6)


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
