"""The amplitudes of a section are scaled to grey levels."""

from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.inference.sources import open_source


def grey(path: Path, values: np.ndarray, percentiles: tuple[float, float] | None = None) -> np.ndarray:
    np.save(path / "a.npy", values)
    source = open_source(path / "a.npy", percentiles)
    assert (source.height, source.width) == values.shape
    return source.open().read(0, source.height)


@pytest.mark.parametrize("kind", ["int16", ">i4", "float32", ">f8", "float16"])
def test_percentiles_become_black_and_white(tmp_path: Path, kind: str) -> None:
    values = np.linspace(-5000, 5000, 200 * 101).reshape(200, 101).astype(kind)
    wide, narrow = grey(tmp_path, values), grey(tmp_path, values, (10, 90))
    low, high = np.percentile(values.astype(float), [1, 99])
    np.testing.assert_array_equal(wide, np.rint(((values.astype(float) - low) * (255 / (high - low))).clip(0, 255)))
    assert (wide == 0).mean() == pytest.approx(0.01, abs=0.005)
    assert (narrow == 255).mean() == pytest.approx(0.1, abs=0.005)


def test_grey_levels_are_kept_unless_percentiles_are_given(tmp_path: Path) -> None:
    values = np.arange(60, 160, dtype=np.uint8).reshape(10, 10)
    np.testing.assert_array_equal(grey(tmp_path, values), values)
    assert grey(tmp_path, values, (0, 100)).max() == 255


def test_a_section_of_one_amplitude_is_black(tmp_path: Path) -> None:
    assert not grey(tmp_path, np.full((10, 10), 7.5)).any()


def test_an_array_in_column_major_order_is_read(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(120, 70))
    np.testing.assert_array_equal(grey(tmp_path, np.asfortranarray(values)), grey(tmp_path, values))
