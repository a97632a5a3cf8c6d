"""One scale for a volume, its null values and its dead traces."""

import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.scale import NULL_LEVEL, Scaling
from salt_pipeline.components.inference.segy import Geometry, open_segy
from salt_pipeline.components.inference.volume import array_volume
from salt_pipeline.components.inference.volume_scale import VolumeScale, measure
from tests.components.inference.segy_files import amplitudes, write_segy


def measured(tmp_path: Path, values_TS: NDArray, null: float | None = None, code: int = 5) -> VolumeScale:
    return measure(open_segy(write_segy(tmp_path / "a.sgy", values_TS, code=code), Geometry()), Scaling(), null)


def test_the_percentiles_are_those_of_all_traces(tmp_path: Path) -> None:
    values_TS = amplitudes(40, 30)
    scale = measured(tmp_path, values_TS)
    assert [scale.scale.low, scale.scale.high] == pytest.approx(np.percentile(values_TS, (1, 99)))
    assert not scale.partial


@pytest.mark.parametrize("code", [1, 5])
@pytest.mark.parametrize("null", [-999.25, 1e30])
def test_null_values_are_found_in_both_kinds_of_floats(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, null: float, code: int
) -> None:
    values_TS = amplitudes(40, 30)
    values_TS[:, :3] = null
    scale = measured(tmp_path, values_TS, code=code)
    expected_TS = np.zeros((40, 30), dtype=bool)
    expected_TS[:, :3] = True
    stored_TS = open_segy(tmp_path / "a.sgy", Geometry()).read(0, 40)
    np.testing.assert_array_equal(scale.is_null(stored_TS), expected_TS)
    assert (scale.grey(stored_TS)[expected_TS] == NULL_LEVEL).all()
    assert [scale.scale.low, scale.scale.high] == pytest.approx(np.percentile(values_TS[:, 3:], (1, 99)), rel=1e-5)
    assert any(f"{null:g} is a null value, in 10% of the samples" in message for message in caplog.messages)


def test_a_zero_is_null_in_dead_traces_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values_TS = np.rint(amplitudes(40, 30) / 100)
    values_TS[10:20] = 0
    assert (values_TS[:10] == 0).any()
    scale = measured(tmp_path, values_TS, code=3)
    np.testing.assert_array_equal(scale.is_null(values_TS).all(axis=1), (np.arange(40) // 10) == 1)
    assert not scale.is_null(values_TS[:10]).any()
    assert any("25% of the traces are dead" in message for message in caplog.messages)


def test_an_amplitude_that_equals_a_null_value_by_chance_is_kept(tmp_path: Path) -> None:
    values_TS = 10 * amplitudes(600, 200)
    values_TS[300, 100] = -999.25
    assert not measured(tmp_path, values_TS).partial
    values_TS[300, 101] = -999.25
    assert measured(tmp_path, values_TS).scale.nulls == (-999.25,)


@pytest.mark.parametrize("code", [1, 5])
def test_a_null_value_can_be_named(tmp_path: Path, code: int) -> None:
    values_TS = amplitudes(40, 30)
    values_TS[3, 4:8] = 0.1
    scale = measured(tmp_path, values_TS, 0.1, code)
    assert np.argwhere(scale.is_null(open_segy(tmp_path / "a.sgy", Geometry()).read(0, 40))).tolist() == [
        [3, sample] for sample in range(4, 8)
    ]


def test_a_file_of_dead_traces_holds_no_measurement(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        scale = measured(tmp_path, np.zeros((5, 6)))
    assert scale.is_null(np.zeros((5, 6))).all()
    assert "all traces are dead" in caplog.text


def test_a_number_that_is_not_finite_is_refused_with_its_place(tmp_path: Path) -> None:
    values_TS = amplitudes(40, 30)
    values_TS[31, 2] = np.nan
    with pytest.raises(BadImage, match=r"trace 32, sample 3: holds a number that is not finite \(found nan"):
        measured(tmp_path, values_TS)


def test_grey_levels_keep_their_range_and_a_named_null_value_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cube_ICT = np.random.default_rng(0).integers(1, 256, (2, 5, 10), dtype=np.uint8)
    cube_ICT[0, 0] = 0
    np.save(tmp_path / "a.npy", cube_ICT)
    volume = array_volume(tmp_path / "a.npy", cube_ICT, transposed=False)
    assert not measure(volume, Scaling(), None).partial
    scale = measure(volume, Scaling(), 0.0)
    np.testing.assert_array_equal(scale.is_null(cube_ICT[0]), cube_ICT[0] == 0)
    np.testing.assert_array_equal(scale.grey(cube_ICT[1]), cube_ICT[1])
    assert "0 is a null value, in 10% of the samples" in caplog.text


def test_dead_traces_of_many_values_are_dead_but_their_values_are_amplitudes_elsewhere(tmp_path: Path) -> None:
    values_TS = np.rint(amplitudes(500, 20))
    values_TS[:200] = np.arange(200)[:, None]
    scale = measured(tmp_path, values_TS)
    assert scale.scale.nulls == ()
    np.testing.assert_array_equal(scale.is_null(values_TS).any(axis=1), np.arange(500) < 200)
