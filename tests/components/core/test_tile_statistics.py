"""What is measured of tiles, and the ranges that are kept of it."""

import json

import numpy as np
import pytest

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.core.tile_statistics import LEAST, STATISTICS, levels, measure, ranges

NAMES = list(STATISTICS)


def column(image_BHW: np.ndarray, name: str) -> np.ndarray:
    return measure(image_BHW)[:, NAMES.index(name)]


def test_the_grey_levels_are_those_that_numpy_finds() -> None:
    rng = np.random.default_rng(0)
    image_BHW = rng.normal(120, 40, (70, SIDE, SIDE)).clip(0, 255).astype(np.uint8)
    flat_BN = image_BHW.reshape(70, -1)
    for name, percent in (("percentile_1", 1), ("median", 50), ("percentile_99", 99)):
        expected_B = np.percentile(flat_BN, percent, axis=1, method="inverted_cdf")
        np.testing.assert_array_equal(column(image_BHW, name), expected_B)
    np.testing.assert_allclose(column(image_BHW, "standard_deviation"), flat_BN.std(axis=1))


def test_the_frequency_is_that_of_a_wave_in_either_direction() -> None:
    wave = np.rint(120 + 90 * np.cos(2 * np.pi * 12 * np.arange(SIDE) / SIDE))
    down_HW = np.repeat(wave[:, None], SIDE, axis=1).astype(np.uint8)
    measured_BS = measure(np.stack([down_HW, down_HW.T]))
    vertical_B, horizontal_B = measured_BS[:, NAMES.index("vertical_frequency") :].T
    np.testing.assert_allclose(vertical_B, [12 / SIDE, 0], atol=1e-3)
    np.testing.assert_allclose(horizontal_B, [0, 12 / SIDE], atol=1e-3)


def test_white_noise_has_its_mean_frequency_in_the_middle_and_a_constant_tile_has_none() -> None:
    noise_BHW = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE), dtype=np.uint8)
    np.testing.assert_allclose(measure(noise_BHW)[:, 4:], 0.25, atol=0.01)
    np.testing.assert_array_equal(measure(np.full((1, SIDE, SIDE), 7, np.uint8)), [[7, 7, 7, 0, 0, 0]])
    assert measure(np.empty((0, SIDE, SIDE), np.uint8)).shape == (0, len(NAMES))


def test_a_range_has_all_but_a_thousandth_of_the_tiles_on_either_side() -> None:
    measured_BS = np.arange(2001.0)[:, None] + 10_000 * np.arange(len(NAMES))
    found = ranges(measured_BS[::-1])
    assert found is not None
    assert list(found) == NAMES
    assert found["percentile_1"] == {"low": 2.0, "median": 1000.0, "high": 1998.0}
    assert found["horizontal_frequency"] == {"low": 50_002.0, "median": 51_000.0, "high": 51_998.0}
    assert json.loads(json.dumps(found)) == found


def test_the_levels_are_the_percentiles_of_all_tiles_together() -> None:
    count_L = np.zeros(256, np.int64)
    count_L[[10, 38, 120, 217, 250]] = 9, 1, 980, 1, 9
    assert levels(count_L, LEAST) == (38, 120)
    count_L[120] -= 1
    count_L[217] += 1
    assert levels(count_L, LEAST) == (38, 217)
    assert json.loads(json.dumps(levels(count_L, LEAST))) == [38, 217]
    assert levels(count_L, LEAST - 1) is None


def test_nearly_one_grey_level_has_no_levels_to_scale_to() -> None:
    count_L = np.zeros(256, np.int64)
    assert levels(count_L, 0) is None
    count_L[[120, 217]] = 999, 1
    assert levels(count_L, LEAST) is None


@pytest.mark.parametrize("count", [0, 1, LEAST - 1])
def test_too_few_tiles_have_no_range(count: int) -> None:
    assert ranges(np.ones((count, len(NAMES)))) is None
