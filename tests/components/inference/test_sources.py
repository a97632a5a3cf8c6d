"""The amplitudes of a section are scaled to grey levels."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.sources import open_source


def grey(path: Path, values: np.ndarray, percentiles: tuple[float, float] | None = None) -> np.ndarray:
    np.save(path / "a.npy", values)
    source = open_source(path / "a.npy", Scaling(percentiles))
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
    source = open_source(tmp_path / "a.npy", Scaling(levels=(38, 217)))
    np.testing.assert_array_equal(source.open().read(0, 10), values)
    assert grey(tmp_path, values, (0, 100)).max() == 255


def test_a_section_of_one_amplitude_is_black(tmp_path: Path) -> None:
    assert not grey(tmp_path, np.full((10, 10), 7.5)).any()


def test_an_array_in_column_major_order_is_read(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(120, 70))
    np.testing.assert_array_equal(grey(tmp_path, np.asfortranarray(values)), grey(tmp_path, values))


def amplitudes(kind: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1000, (202, 101)).astype(kind)


@pytest.mark.parametrize("null", [-999.25, 1e30, -1e30, 0.0, 7777.0])
def test_a_value_that_fills_traces_is_excluded_from_the_scale(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, null: float
) -> None:
    values = amplitudes()
    expected = grey(tmp_path, values[:, 12:])
    values[:, :12] = null
    with caplog.at_level(logging.WARNING):
        found = grey(tmp_path, values)
    np.testing.assert_array_equal(found[:, 12:], expected)
    assert f"a.npy: {null:g} is a null value: it fills 11.9% of the image" in caplog.text


@pytest.mark.parametrize(("kind", "null"), [("float32", -999.25), (">f8", 1e30), ("int16", 32000), ("int32", -99999)])
def test_a_null_value_below_the_traces_is_excluded_from_the_scale(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, null: float
) -> None:
    values = amplitudes(kind)
    values[150:, ::2] = null
    measured = values[values != null].astype(float)
    low, high = np.percentile(measured, [1, 99])
    with caplog.at_level(logging.WARNING):
        found = grey(tmp_path, values)
    np.testing.assert_array_equal(found[:150], np.rint(((values[:150] - low) * (255 / (high - low))).clip(0, 255)))
    assert f"a.npy: {null:g} is a null value: it fills 13" in caplog.text


def test_clipped_amplitudes_zeros_and_constant_traces_alone_are_measurements(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    across = np.tile(np.arange(101.0), (120, 1))
    with caplog.at_level(logging.WARNING):
        for values in (amplitudes().clip(-800, 800), np.maximum(amplitudes(), 0), across, across.T, across[:1]):
            grey(tmp_path, values)
    assert not caplog.records


@pytest.mark.parametrize("row", [0, 150, 1403])
def test_a_number_that_is_not_finite_is_reported_with_its_place(tmp_path: Path, row: int) -> None:
    values = np.zeros((1500, 120), np.float32)
    values[row, 7:] = np.nan
    with pytest.raises(BadImage, match=rf"a\.npy: row {row}, column 7: holds a number that is not finite \(found nan"):
        grey(tmp_path, values)


@pytest.mark.parametrize(
    "shape",
    ["(10**30, 1)", f"({10**30}, 1)", "(True, True)", "(1.5, 2)", "(-1, 10)", "'a'", "[" * 4000, f"({2**62}, {2**62})"],
)
def test_a_header_that_numpy_cannot_read_is_refused(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(400))
    with pytest.raises(BadImage, match=r"cannot be read as a \.npy file") as caught:
        open_source(path, Scaling())
    assert "0x" not in str(caught.value)


def test_half_a_zip_is_no_array(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(BadImage, match=r"cannot be read as a \.npy file"):
        open_source(tmp_path / "a.npy", Scaling())


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>", b"version https://git-lfs", b"\x80\x04pickle"])
def test_a_file_of_another_kind_is_no_array_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "line.npy").write_bytes(content)
    found = re.escape(f"a file that begins with {content[:6]!r}")
    with pytest.raises(BadImage, match=rf"line\.npy: is no \.npy file \(found {found}\)$"):
        open_source(tmp_path / "line.npy", Scaling())
