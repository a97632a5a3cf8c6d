from fractions import Fraction

import numpy as np
import pytest

from salt_pipeline.components.core.blend import weighted_mean


def test_halves_are_rounded_up_though_the_weights_are_floats() -> None:
    levels = np.arange(256, dtype=np.uint8)
    one, other = (grid.reshape(256, 16, 16) for grid in np.meshgrid(levels, levels))
    mean_BHW = weighted_mean([0.3, 0.7], [[one], [other]])
    expected_BHW = (2 * (3 * one.astype(int) + 7 * other.astype(int)) + 10) // 20
    np.testing.assert_array_equal(mean_BHW, expected_BHW)


@pytest.mark.parametrize("folds", [1, 5, 257])
def test_the_folds_of_an_encoder_have_equal_weights(folds: int) -> None:
    maps = list(np.random.default_rng(folds).integers(0, 256, (folds, 3, 4, 5), np.uint8))
    total_BHW = np.sum(maps, axis=0, dtype=int)
    expected = [int(Fraction(int(total), folds) + Fraction(1, 2)) for total in total_BHW.ravel()]
    assert weighted_mean([1 / folds], [maps]).ravel().tolist() == expected


def test_no_images() -> None:
    assert weighted_mean([1.0], [[np.zeros((0, 4, 5), np.uint8)]]).shape == (0, 4, 5)
