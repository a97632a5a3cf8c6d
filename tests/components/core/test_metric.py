from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from salt_pipeline.components.core.metric import CUTS, cut, overlap, score, score_images

LEVELS = st.sampled_from([0, 1, 63, 64, 126, 127, 128, 129, 200, 254, 255]) | st.integers(0, 255)
images = st.integers(1, 4).flatmap(
    lambda count: st.tuples(
        arrays(np.uint8, (count, 5, 5), elements=LEVELS, fill=st.sampled_from([0, 127, 128, 255])),
        arrays(np.uint8, (count, 5, 5), elements=st.integers(0, 1), fill=st.integers(0, 1)),
    )
)


def literal(predicted: set, truth: set) -> Fraction:
    """The evaluation page taken literally: at each t, TP / (TP + FP + FN) with a mask as one object; then the mean."""
    precisions = []
    for t in (Fraction(percent, 100) for percent in range(50, 100, 5)):
        hit = bool(predicted and truth) and Fraction(len(predicted & truth), len(predicted | truth)) > t
        true_positive = int(hit)
        false_positive = int(bool(predicted) and not hit)
        false_negative = int(bool(truth) and not hit)
        found = true_positive + false_positive + false_negative
        precisions.append(Fraction(true_positive, found) if found else Fraction(1))
    return sum(precisions, Fraction(0)) / 10


def literal_image(map_HW: np.ndarray, mask_HW: np.ndarray, threshold: float, min_area: int = 0) -> float:
    predicted = {where for where, q in np.ndenumerate(map_HW) if int(q) / 255 > threshold}
    truth = {where for where, salt in np.ndenumerate(mask_HW) if salt}
    return float(literal(predicted if len(predicted) >= min_area else set(), truth))


def counts(intersection: int, area: int, truth: int) -> float:
    return float(score(np.array(intersection), np.array(area), np.array(truth)))


@pytest.mark.parametrize(
    ("intersection", "area", "truth", "expected"),
    [
        (0, 0, 0, 1.0),  # empty and empty
        (0, 1, 0, 0.0),  # anything on an empty image
        (0, 0, 1, 0.0),  # nothing on salt
        (0, 5, 5, 0.0),
        (50, 50, 100, 0.0),  # IoU exactly 0.5
        (51, 51, 100, 0.1),
        (75, 75, 100, 0.5),  # IoU exactly 0.75
        (76, 76, 100, 0.6),
        (95, 95, 100, 0.9),  # IoU exactly 0.95
        (96, 96, 100, 1.0),
        (10201, 10201, 10201, 1.0),
        (10200, 10201, 10200, 1.0),
    ],
)
def test_hand_examples(intersection: int, area: int, truth: int, expected: float) -> None:
    assert counts(intersection, area, truth) == expected


@given(st.integers(0, 10201), st.integers(0, 10201), st.integers(0, 10201))
def test_score_is_the_literal_rule(both: int, only_predicted: int, only_true: int) -> None:
    union = both + only_predicted + only_true
    if union == 0:
        expected = Fraction(1)
    else:
        expected = Fraction(sum(Fraction(both, union) > Fraction(percent, 100) for percent in range(50, 100, 5)), 10)
    assert counts(both, both + only_predicted, both + only_true) == float(expected)


@given(st.floats(0, 1) | st.integers(0, 255).map(lambda q: q / 255) | st.integers(0, 100).map(lambda n: n / 100))
def test_cut_is_the_lowest_level_above_the_threshold(threshold: float) -> None:
    assert cut(threshold) == next((q for q in range(256) if q / 255 > threshold), 256)


def test_cut_at_half() -> None:
    assert cut(0.5) == 128


@given(images, st.sampled_from([0.0, 0.25, 127 / 255, 0.5, 0.75, 1.0]), st.integers(0, 26))
def test_score_images_is_the_literal_rule(batch: Any, threshold: float, min_area: int) -> None:
    maps_BHW, masks_BHW = batch
    expected = [literal_image(q, mask, threshold, min_area) for q, mask in zip(maps_BHW, masks_BHW, strict=True)]
    scores = score_images(maps_BHW, masks_BHW, threshold, min_area)
    assert scores.dtype == np.float64
    assert scores.tolist() == expected


@given(images)
def test_overlap_agrees_with_the_direct_score_at_every_threshold(batch: Any) -> None:
    maps_BHW, masks_BHW = batch
    found = overlap(maps_BHW, masks_BHW)
    scores_BT = score(found.intersection_BT, found.area_BT, found.truth_B[:, None])
    assert scores_BT.shape == (len(maps_BHW), CUTS)
    for threshold in (np.arange(CUTS) + 0.5) / 255:
        column = cut(threshold) - 1
        np.testing.assert_array_equal(scores_BT[:, column], score_images(maps_BHW, masks_BHW, threshold))


def test_overlap_counts_pixels_across_chunks() -> None:
    rng = np.random.default_rng(0)
    maps_BHW = rng.integers(0, 256, (150, 11, 11), dtype=np.uint8)
    masks_BHW = rng.integers(0, 2, (150, 11, 11), dtype=np.uint8)
    found = overlap(maps_BHW, masks_BHW)
    assert {found.intersection_BT.dtype, found.area_BT.dtype, found.truth_B.dtype} == {np.dtype(np.int32)}
    np.testing.assert_array_equal(found.truth_B, masks_BHW.sum((1, 2)))
    for level in (1, 2, 128, 255):
        salt_BHW = maps_BHW >= level
        np.testing.assert_array_equal(found.area_BT[:, level - 1], salt_BHW.sum((1, 2)))
        np.testing.assert_array_equal(found.intersection_BT[:, level - 1], (salt_BHW & (masks_BHW == 1)).sum((1, 2)))


def test_empty_predictions_score_the_fraction_of_empty_images() -> None:
    masks_BHW = np.zeros((5, 101, 101), np.uint8)
    masks_BHW[:3, 40:60, 40:60] = 1
    assert score_images(np.zeros_like(masks_BHW), masks_BHW).mean() == 0.4


def test_no_images() -> None:
    none = np.zeros((0, 101, 101), np.uint8)
    assert score_images(none, none).shape == (0,)
    assert overlap(none, none).area_BT.shape == (0, CUTS)
