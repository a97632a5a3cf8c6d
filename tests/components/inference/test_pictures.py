"""A picture's samples are read as its own header says, or the picture is refused with what the header says."""

import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.sources import open_source

LEVELS = np.arange(40 * 30, dtype=np.uint32).reshape(40, 30).astype(np.uint8)

TRANSPOSED: dict[int, Callable[[Any], Any]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


def grey(path: Path, percentiles: tuple[float, float] | None = None) -> np.ndarray:
    source = open_source(path, percentiles)
    pixels = source.open().read(0, source.height)
    assert pixels.shape == (source.height, source.width)
    return pixels


def tiff(path: Path, samples: np.ndarray, order: Literal["<", ">"] = "<", tags: dict[str, int] | None = None) -> Path:
    """An uncompressed TIFF of one sample per pixel, with the tags of TIFF 6.0 that are given as `t262=0`."""
    height, width = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    known = {256: width, 257: height, 258: samples.dtype.itemsize * 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height}
    entries = known | {279: len(data)} | {int(name[1:]): value for name, value in (tags or {}).items()}
    directory = b"".join(struct.pack(f"{order}HHLL", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    start = struct.pack(f"{order}2sHL", b"II" if order == "<" else b"MM", 42, 8 + len(data))
    path.write_bytes(start + data + struct.pack(f"{order}H", len(entries)) + directory + bytes(4))
    return path


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_obeyed(tmp_path: Path, orientation: int, suffix: str, deep: bool) -> None:
    image = Image.fromarray(LEVELS * np.uint16(257) if deep else LEVELS)
    exif = Image.Exif()
    exif[274] = orientation
    image.save(tmp_path / f"a{suffix}", exif=exif)
    np.testing.assert_array_equal(grey(tmp_path / f"a{suffix}"), TRANSPOSED[orientation](LEVELS))


def test_a_compressed_tiff_is_oriented_once(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274] = 6
    Image.fromarray(LEVELS).save(tmp_path / "a.tif", compression="tiff_lzw", tiffinfo=tags)
    np.testing.assert_array_equal(grey(tmp_path / "a.tif"), np.rot90(LEVELS, -1))


@pytest.mark.parametrize("depth", [8, 16])
def test_white_is_zero_is_obeyed_at_each_depth(tmp_path: Path, depth: int) -> None:
    samples = (255 - LEVELS) if depth == 8 else (65535 - LEVELS * np.uint16(257))
    np.testing.assert_array_equal(grey(tiff(tmp_path / "a.tif", samples, tags={"t262": 0})), LEVELS)


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(tmp_path: Path, order: Literal["<", ">"]) -> None:
    np.testing.assert_array_equal(grey(tiff(tmp_path / "a.tif", LEVELS * np.uint16(257), order)), LEVELS)


@pytest.mark.parametrize(
    ("samples", "tags", "found"),
    [
        (LEVELS.astype(np.int8), {"t339": 2}, "8-bit signed grey"),
        (LEVELS.astype(np.int16), {"t339": 2}, "16-bit signed grey"),
        (LEVELS.astype(np.int16), {"t339": 2, "t262": 0}, "16-bit signed WhiteIsZero"),
        (LEVELS.astype(np.uint32), {}, "32-bit grey"),
        (LEVELS.astype(np.float32), {"t339": 3}, "32-bit floating-point grey"),
        (LEVELS.astype(np.float64), {"t339": 3}, "64-bit floating-point grey"),
        (LEVELS, {"t262": 3}, "8-bit palette"),
        (LEVELS, {"t262": 8}, "8-bit CIELab"),
        (LEVELS, {"t291": 0}, "GrayResponseCurve"),
        (LEVELS, {"t274": 9}, "unknown orientation .found 9, expected 1 to 8"),
    ],
)
def test_what_a_tiff_says_is_named_where_it_cannot_be_obeyed(
    tmp_path: Path, samples: np.ndarray, tags: dict[str, int], found: str
) -> None:
    with pytest.raises(BadImage, match=rf"a\.tif: .*{found}"):
        open_source(tiff(tmp_path / "a.tif", samples, tags=tags), None)


def test_a_tiff_that_cannot_be_decoded_is_named_by_its_tags(tmp_path: Path) -> None:
    samples = 65535 - LEVELS * np.uint16(257)
    path = tiff(tmp_path / "a.tif", samples, ">", {"t262": 0})  # Pillow does not know it in this byte order
    with pytest.raises(BadImage, match=r"a\.tif: cannot be decoded \(found 16-bit WhiteIsZero"):
        open_source(path, None).open()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_samples_of_a_part_of_the_range_need_percentiles(tmp_path: Path, suffix: str) -> None:
    samples = np.linspace(0, 4095, 40 * 30).astype(np.uint16).reshape(40, 30)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(samples).save(path)
    with pytest.raises(BadImage, match=r"only a part of their range \(found 0 to 4095 of 65535, .*--percentiles"):
        grey(path)
    np.testing.assert_array_equal(grey(path, (0, 100)), np.rint(samples * (255 / 4095)))


def test_dark_and_constant_deep_pictures_are_grey_levels(tmp_path: Path) -> None:
    dark = (LEVELS // 8).astype(np.uint16) * 257
    Image.fromarray(dark).save(tmp_path / "dark.png")
    Image.fromarray(np.full((40, 30), 1000, np.uint16)).save(tmp_path / "constant.png")
    np.testing.assert_array_equal(grey(tmp_path / "dark.png"), LEVELS // 8)
    assert (grey(tmp_path / "constant.png") == 4).all()


def test_percentiles_apply_to_8_bit_pictures(tmp_path: Path) -> None:
    Image.fromarray(LEVELS // 4).save(tmp_path / "a.png")
    np.testing.assert_array_equal(grey(tmp_path / "a.png"), LEVELS // 4)
    assert grey(tmp_path / "a.png", (0, 100)).max() == 255


def test_the_null_value_that_a_tiff_declares_is_excluded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[42113] = "255"
    samples = LEVELS // 4
    samples[10:20, 3:9] = 255
    Image.fromarray(samples).save(tmp_path / "a.tif", tiffinfo=tags)
    with caplog.at_level(logging.WARNING):
        pixels = grey(tmp_path / "a.tif", (0, 100))
    assert pixels[samples == 63].min() == 255
    assert "a.tif: 255 is a null value: it fills 5% of the image" in caplog.text


def test_deep_rgb_is_refused_by_its_depth(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(bytes(1 + 2 * 3))
    parts = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with pytest.raises(BadImage, match=r"wrong kind of image \(found 16-bit RGB, expected 8 or 16 bit grey"):
        open_source(tmp_path / "a.png", None)
