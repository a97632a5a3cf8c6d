"""The amplitudes that become black and white, and those that are no measurements."""

import logging
from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.inference.scale import Scale, Scaling, constant_traces, find_scale


def amplitudes() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 10, (60, 50)).astype(np.float32)


def test_values_outside_the_scale_are_clipped() -> None:
    assert Scale(-1.0, 1.0).grey(np.array([-5, -1, 0, 1, 5])).tolist() == [0, 0, 128, 255, 255]
    assert Scale(2.0, 2.0).grey(np.array([2, 2])).tolist() == [0, 0]


def test_the_percentiles_are_those_of_the_measurements() -> None:
    values_HW = amplitudes()
    expected = np.percentile(values_HW, (1, 99))
    values_HW = np.concatenate([values_HW, np.full((20, 50), -999.25, np.float32)])
    scale = find_scale(values_HW, Scaling(), {})
    assert scale.nulls == (-999.25,)
    assert [scale.low, scale.high] == pytest.approx(expected)


def test_the_percentiles_1_and_99_get_the_grey_levels_of_the_training_images() -> None:
    values = np.arange(-50.0, 51.0)  # percentiles 1 and 99 are -49 and 49
    assert Scaling(levels=(55, 153)).black_and_white(values) == (-104, 151)
    scale = find_scale(values[None], Scaling(levels=(55, 153)), {})
    assert scale.grey(np.array([-500, -104, -50, -49, 0, 49, 50, 151, 500])).tolist() == [
        *(0, 0, 54, 55, 104, 153, 154, 255, 255)
    ]


def test_black_and_white_are_the_percentiles_that_are_given_or_1_and_99_without_levels() -> None:
    values = np.arange(-50.0, 51.0)
    assert Scaling((10, 90), levels=(55, 153)).black_and_white(values) == (-40, 40)
    assert Scaling((1, 99), levels=(55, 153)).black_and_white(values) == Scaling().black_and_white(values) == (-49, 49)


def test_one_amplitude_is_black_whatever_the_levels() -> None:
    assert not find_scale(np.full((4, 5), 7.5), Scaling(levels=(55, 153)), {}).grey(np.full((4, 5), 7.5)).any()


def test_a_declared_null_value_is_excluded() -> None:
    values_HW = amplitudes()
    values_HW[:5] = 7
    assert find_scale(values_HW, Scaling(), {}, declared=7.0).nulls == (7.0,)
    assert find_scale(values_HW, Scaling(), {}).nulls == ()


def test_the_constants_that_fill_traces() -> None:
    assert constant_traces(np.array([1, 2, 5]), np.array([1, 3, 5])) == {1.0: (0,), 5.0: (2,)}


def test_a_null_value_is_logged_with_its_fraction(caplog: pytest.LogCaptureFixture) -> None:
    bands = [np.array([[9.0, 1.0], [2.0, 3.0]]), np.array([[9.0, 4.0]])]
    with caplog.at_level(logging.WARNING):
        Scale(0.0, 1.0, (9.0,)).log_nulls(Path("a.npy"), bands)
    assert caplog.messages == ["a.npy: 9 is a null value: it fills 33.3% of the image, and no salt is predicted there"]


def test_a_null_value_is_grey_in_the_middle_of_the_scale() -> None:
    scale = Scale(0.0, 10.0, (-999.25,))
    assert scale.grey(np.array([[-999.25, 0.0, 10.0]])).tolist() == [[128, 0, 255]]
    assert scale.is_null(np.array([[-999.25, 0.0, 10.0]])).tolist() == [[True, False, False]]


def test_an_ordinary_amplitude_that_fills_a_trace_is_null_in_that_trace_alone() -> None:
    values_HW = amplitudes()
    values_HW[7, 20:30], values_HW[:, 3] = 0, 0
    scale = find_scale(values_HW, Scaling(), constant_traces(values_HW.min(axis=0), values_HW.max(axis=0)))
    assert (scale.nulls, scale.dead) == ((), {0.0: (3,)})
    null_HW = scale.is_null(values_HW)
    assert null_HW[:, 3].all()
    assert null_HW.sum() == len(values_HW)


def test_half_precision_does_not_turn_an_amplitude_into_a_null_value() -> None:
    values_HW = np.linspace(-5000, 5000, 2000).reshape(40, 50).astype(np.float16)
    values_HW[3, 3] = -999  # -999.25, rounded
    assert find_scale(values_HW, Scaling(), {}).nulls == ()
