import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import cut, overlap, score_images
from salt_pipeline.components.submission.choice import AREAS, choose


def survey(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    masks_BHW = rng.integers(0, 2, (count, 5, 5), dtype=np.uint8) * (rng.random((count, 1, 1)) < 0.6).astype(np.uint8)
    maps_BHW = np.clip(masks_BHW * 90 + rng.integers(0, 160, masks_BHW.shape), 0, 255).astype(np.uint8)
    return maps_BHW, masks_BHW, np.arange(count) % 3


def direct_scores(maps_BHW: np.ndarray, masks_BHW: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Scores of every image in tenths, for every pair of level and smallest area, by the direct metric."""
    empty_B = 10 * (masks_BHW.sum((1, 2)) == 0)
    table = {}
    for level in range(1, 256):
        tenths_B = np.rint(10 * score_images(maps_BHW, masks_BHW, (level - 0.5) / 255)).astype(int)
        areas_B = (maps_BHW >= level).sum((1, 2))
        table.update({(level, area): np.where(areas_B < area, empty_B, tenths_B) for area in range(27)})
    return table


def best_pair(table: dict[tuple[int, int], np.ndarray], images_B: np.ndarray) -> tuple[int, int]:
    sums = {pair: tenths_B[images_B].sum() for pair, tenths_B in table.items()}
    best = max(sums.values())
    return min((pair for pair in sums if sums[pair] == best), key=rank)


def rank(pair: tuple[int, int]) -> tuple[int, int, int]:
    return pair[1], abs(pair[0] - 128), pair[0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_the_choice_is_that_of_an_exhaustive_search(seed: int) -> None:
    maps_BHW, masks_BHW, folds_B = survey(seed)
    chosen = choose(overlap(maps_BHW, masks_BHW), folds_B)
    table = direct_scores(maps_BHW, masks_BHW)
    pair = best_pair(table, folds_B >= 0)
    assert (cut(chosen.threshold), chosen.min_area) == pair
    assert chosen.score == pytest.approx(table[pair].mean() / 10)
    assert chosen.score == pytest.approx(score_images(maps_BHW, masks_BHW, chosen.threshold, chosen.min_area).mean())
    assert chosen.score_at_half == pytest.approx(score_images(maps_BHW, masks_BHW).mean())

    crossed = sum(table[best_pair(table, folds_B != fold)][folds_B == fold].sum() for fold in range(3))
    assert chosen.score_cross_fitted == pytest.approx(crossed / 120)


def test_a_smallest_area_empties_masks_of_noise() -> None:
    masks_BHW = np.zeros((4, 101, 101), np.uint8)
    masks_BHW[0, :50] = 1
    maps_BHW = masks_BHW * 255
    maps_BHW[1:, :3, :10] = 255  # 30 px of noise that no threshold can distinguish from salt
    chosen = choose(overlap(maps_BHW, masks_BHW), np.arange(4) % 2)
    assert chosen.min_area == 31
    assert chosen.threshold == 0.5
    assert chosen.score == 1
    assert chosen.score_at_half == 0.25
    assert chosen.salt_accuracy == 1


def test_of_equal_scores_the_smallest_area_is_chosen_then_the_nearest_threshold() -> None:
    masks_BHW = np.zeros((2, 101, 101), np.uint8)
    masks_BHW[0, :50] = 1
    maps_BHW = masks_BHW * 255
    maps_BHW[1, :3, :10] = 150  # removed above 150 / 255, or at 0.5 with a smallest area of 31 px
    chosen = choose(overlap(maps_BHW, masks_BHW), np.arange(2))
    assert (cut(chosen.threshold), chosen.min_area, chosen.score) == (151, 0, 1)


def test_cross_fitting_shows_that_a_choice_is_optimistic() -> None:
    """Each fold has a perfect score at its own threshold, and a score of 0 at that of the other fold."""
    masks_BHW = np.zeros((2, 101, 101), np.uint8)
    masks_BHW[0, :50] = 1
    maps_BHW = np.where(masks_BHW == 1, 100, 0).astype(np.uint8)
    maps_BHW[1] = 200
    chosen = choose(overlap(maps_BHW, masks_BHW), np.array([0, 1]), min_area=0)
    assert chosen.score == 0.5
    assert chosen.score_cross_fitted == 0


@pytest.mark.parametrize(("salt", "perfect"), [(0, True), (1, True), (0, False), (1, False)])
def test_images_without_salt_and_full_of_salt(salt: int, perfect: bool) -> None:
    masks_BHW = np.full((4, 101, 101), salt, np.uint8)
    maps_BHW = (masks_BHW if perfect else 1 - masks_BHW) * 255
    chosen = choose(overlap(maps_BHW, masks_BHW), np.arange(4) % 2)
    assert (chosen.threshold, chosen.min_area) == (0.5, 0)
    assert chosen.score == chosen.score_cross_fitted == chosen.salt_accuracy == float(perfect)


def test_fixed_values_are_not_changed() -> None:
    maps_BHW, masks_BHW, folds_B = survey(1)
    found = overlap(maps_BHW, masks_BHW)
    fixed = choose(found, folds_B, threshold=0.333, min_area=7)
    assert (fixed.threshold, fixed.min_area) == (0.333, 7)
    expected = score_images(maps_BHW, masks_BHW, 0.333, 7).mean()
    assert fixed.score == pytest.approx(expected)
    assert fixed.score_cross_fitted == pytest.approx(expected)
    assert choose(found, folds_B, threshold=0.333).threshold == 0.333
    assert choose(found, folds_B, min_area=7).min_area == 7


def test_an_area_beyond_the_search_can_be_fixed() -> None:
    masks_BHW = np.ones((2, 101, 101), np.uint8)
    found = overlap(masks_BHW * 255, masks_BHW)
    assert choose(found, np.array([0, 1]), min_area=AREAS + 1000).score == 1
    assert choose(found, np.array([0, 1]), min_area=10**12).score == 0


def test_threshold_one_is_refused() -> None:
    maps_BHW, masks_BHW, folds_B = survey(1)
    with pytest.raises(SaltError, match=r"submission\.threshold: leaves no salt at all"):
        choose(overlap(maps_BHW, masks_BHW), folds_B, threshold=1.0)
