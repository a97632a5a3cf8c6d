from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kfp.dsl import ClassificationMetrics

from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.classification import POINTS, confusion, log_classification, roc_curve

TRUTH = np.array([False, False, False, True, True])
SALT = np.array([0.1, 0.4, 0.8, 0.4, 0.9], dtype=np.float32)


def test_confusion_has_truth_in_rows() -> None:
    assert confusion(TRUTH, SALT > 0.5) == ((2, 1), (1, 1))
    assert confusion(TRUTH, np.ones(5, dtype=bool)) == ((0, 3), (0, 2))


def test_the_curve_of_an_example_is_that_computed_by_hand() -> None:
    roc = roc_curve(TRUTH, SALT)
    assert roc is not None
    assert roc.threshold == pytest.approx((1, 0.8, 0.4, 0.1, 0))
    assert roc.tpr == pytest.approx((0, 1 / 2, 1 / 2, 1, 1))
    assert roc.fpr == pytest.approx((0, 0, 1 / 3, 2 / 3, 1))
    # Of six pairs the image with salt is higher in four (0.4 > 0.1, and 0.9 over all three) and equal in one (0.4).
    assert roc.auc == pytest.approx(4.5 / 6)


def test_every_point_has_the_rates_of_its_threshold() -> None:
    rng = np.random.default_rng(3)
    truth, salt = rng.random(500) < 0.6, rng.random(500)
    roc = roc_curve(truth, salt)
    assert roc is not None
    assert len(roc.threshold) == POINTS
    assert (roc.fpr[0], roc.tpr[0], roc.fpr[-1], roc.tpr[-1]) == (0, 0, 1, 1)
    for fpr, tpr, threshold in zip(roc.fpr, roc.tpr, roc.threshold, strict=True):
        assert tpr == pytest.approx((salt[truth] > threshold).mean())
        assert fpr == pytest.approx((salt[~truth] > threshold).mean())
    pairs = salt[truth][:, None] - salt[~truth]
    assert roc.auc == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)


@pytest.mark.parametrize("truth", [np.ones(5, dtype=bool), np.zeros(5, dtype=bool)])
def test_images_of_one_kind_have_no_curve(truth: Any) -> None:
    assert roc_curve(truth, SALT) is None


def test_confusion_and_curve_are_logged_for_kubeflow(tmp_path: Path) -> None:
    artifact = ClassificationMetrics(name="classification", uri=str(tmp_path / "classification.json"))
    curve = {"fpr": [0, 0.5, 1], "tpr": [0, 1, 1], "threshold": [1, 0.5, 0], "auc": 0.75}
    found = {"by_classifier": [[2, 1], [1, 1]], "by_mask": [[3, 0], [0, 2]], "roc": curve}
    log_classification(artifact, found)
    matrix = artifact.metadata["confusionMatrix"]
    assert [category["displayName"] for category in matrix["annotationSpecs"]] == ["no salt", "salt"]
    assert [row["row"] for row in matrix["rows"]] == [[2, 1], [1, 1]]
    points = artifact.metadata["confidenceMetrics"]
    assert points[1] == {"confidenceThreshold": 0.5, "recall": 1, "falsePositiveRate": 0.5}
    assert len(points) == 3
    assert read_json(tmp_path / "classification.json") == found


def test_without_a_curve_the_confusion_is_logged_alone(tmp_path: Path) -> None:
    artifact = ClassificationMetrics(name="classification", uri=str(tmp_path / "classification.json"))
    found = {"by_classifier": [[5, 0], [0, 0]], "by_mask": [[5, 0], [0, 0]], "roc": None}
    log_classification(artifact, found)
    assert "confidenceMetrics" not in artifact.metadata
    assert [row["row"] for row in artifact.metadata["confusionMatrix"]["rows"]] == [[5, 0], [0, 0]]
