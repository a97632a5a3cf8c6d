"""A picture's samples are read as its own header says, or the picture is refused with what the header says."""

import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from salt_pipeline.components.core.png_header import GREY, SIGNATURE
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.pictures import read_header
from salt_pipeline.components.inference.scale import Scaling
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
    source = open_source(path, Scaling(percentiles))
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


@pytest.mark.parametrize("order", ["<", ">"])
def test_floating_point_samples_are_read_like_a_section(tmp_path: Path, order: Literal["<", ">"]) -> None:
    amplitudes_HW = np.random.default_rng(0).normal(0, 1e5, (120, 90)).astype(np.float32)
    np.save(tmp_path / "a.npy", amplitudes_HW)
    path = tiff(tmp_path / "a.tif", amplitudes_HW, order, {"t339": 3})
    for percentiles in (None, (5.0, 95.0)):
        np.testing.assert_array_equal(grey(path, percentiles), grey(tmp_path / "a.npy", percentiles))
    inverted = tiff(tmp_path / "b.tif", amplitudes_HW, order, {"t339": 3, "t262": 0})
    np.testing.assert_array_equal(grey(inverted), 255 - grey(path))


@pytest.mark.parametrize("inverted", [False, True])
def test_floating_point_samples_get_the_grey_levels_of_the_training_images(tmp_path: Path, inverted: bool) -> None:
    amplitudes_HW = np.random.default_rng(0).normal(0, 1e5, (120, 90)).astype(np.float32)
    path = tiff(tmp_path / "a.tif", amplitudes_HW, tags={"t339": 3, "t262": 0 if inverted else 1})
    levels_HW = open_source(path, Scaling(levels=(30, 200))).open().read(0, 120)
    assert np.percentile(levels_HW, (1, 99)) == pytest.approx((30, 200), abs=1)
    assert (levels_HW[amplitudes_HW < -1e5].mean() > 128) == inverted


def test_null_values_of_floating_point_samples(tmp_path: Path) -> None:
    amplitudes_HW = np.random.default_rng(0).normal(0, 1e5, (120, 90)).astype(np.float32)
    amplitudes_HW[3, 4], amplitudes_HW[5, 6], amplitudes_HW[7, 8:10] = -9999, 0.1, 1e30
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[42113] = "-9999"
    Image.fromarray(amplitudes_HW).save(tmp_path / "a.tif", compression="tiff_adobe_deflate", tiffinfo=tags)
    for null, place in ((None, [3, 4]), (0.1, [5, 6])):
        null_HW = open_source(tmp_path / "a.tif", Scaling(), null).open().is_null(0, 120)
        assert np.argwhere(null_HW).tolist() == [place, [7, 8], [7, 9]]
    amplitudes_HW[110, 80] = np.nan
    Image.fromarray(amplitudes_HW).save(tmp_path / "a.tif")
    with pytest.raises(BadImage, match=r"a.tif: row 110, column 80: holds a number that is not finite \(found nan"):
        open_source(tmp_path / "a.tif", Scaling()).open()


@pytest.mark.parametrize(
    ("samples", "tags", "found"),
    [
        (LEVELS.astype(np.int8), {"t339": 2}, "8-bit signed grey"),
        (LEVELS.astype(np.int16), {"t339": 2}, "16-bit signed grey"),
        (LEVELS.astype(np.int16), {"t339": 2, "t262": 0}, "16-bit signed WhiteIsZero"),
        (LEVELS.astype(np.uint32), {}, "32-bit grey"),
        (LEVELS.astype(np.float16), {"t339": 3}, "16-bit floating-point grey"),
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
        open_source(tiff(tmp_path / "a.tif", samples, tags=tags), Scaling())


def test_a_tiff_that_cannot_be_decoded_is_named_by_its_tags(tmp_path: Path) -> None:
    samples = 65535 - LEVELS * np.uint16(257)
    path = tiff(tmp_path / "a.tif", samples, ">", {"t262": 0})  # Pillow does not know it in this byte order
    with pytest.raises(BadImage, match=r"a\.tif: cannot be decoded \(found 16-bit WhiteIsZero"):
        open_source(path, Scaling()).open()


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
    kept = open_source(tmp_path / "a.png", Scaling(levels=(38, 217))).open().read(0, len(LEVELS))
    np.testing.assert_array_equal(kept, LEVELS // 4)
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


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(path: Path, samples: np.ndarray, *chunks: bytes) -> Path:
    """A grey PNG of 8 or 16 bits, with further chunks."""
    (height, width), depth = samples.shape, samples.dtype.itemsize * 8
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, GREY, 0, 0, 0))
    rows = zlib.compress(b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in samples))
    path.write_bytes(SIGNATURE + head + b"".join(chunks) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


TWELVE = np.linspace(0, 4095, 40 * 30).astype(np.uint16).reshape(40, 30)


@pytest.mark.parametrize("divisor", [1, 20])
def test_the_bits_that_a_file_says_are_used_are_obeyed(tmp_path: Path, divisor: int) -> None:
    samples = TWELVE // divisor
    levels = np.rint(samples * (255 / 4095))
    significant = chunk(b"sBIT", b"\x0c")
    np.testing.assert_array_equal(grey(png(tmp_path / "low.png", samples, significant)), levels)
    np.testing.assert_array_equal(grey(png(tmp_path / "scaled.png", samples << 4 | samples >> 8, significant)), levels)
    shifted = np.rint((samples << 4) * (255 / 65535))
    np.testing.assert_array_equal(grey(png(tmp_path / "shifted.png", samples << 4, significant)), shifted)
    used = {"t280": 0, "t281": 4095}
    np.testing.assert_array_equal(grey(tiff(tmp_path / "a.tif", samples, tags=used)), levels)
    np.testing.assert_array_equal(grey(tiff(tmp_path / "b.tif", 4095 - samples, tags={**used, "t262": 0})), levels)


def test_the_bits_that_are_used_are_obeyed_at_8_bits_too(tmp_path: Path) -> None:
    samples = LEVELS // 8
    np.testing.assert_array_equal(
        grey(tiff(tmp_path / "a.tif", samples, tags={"t281": 31})), np.rint(samples * (255 / 31))
    )
    low = grey(png(tmp_path / "a.png", samples, chunk(b"sBIT", b"\x05")))
    np.testing.assert_array_equal(low, np.rint(samples * (255 / 31)))
    scaled = samples << 3 | samples >> 2
    np.testing.assert_array_equal(grey(png(tmp_path / "a.png", scaled, chunk(b"sBIT", b"\x05"))), scaled)


def test_samples_above_the_declared_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match=r"samples are above MaxSampleValue \(found 4095, expected at most 2047"):
        grey(tiff(tmp_path / "a.tif", TWELVE, tags={"t281": 2047}))


def test_a_maximum_that_is_a_statistic_changes_nothing(tmp_path: Path) -> None:
    np.testing.assert_array_equal(grey(tiff(tmp_path / "a.tif", LEVELS, tags={"t280": 3, "t281": 250})), LEVELS)


def test_samples_of_a_part_of_the_range_are_refused_where_white_is_zero(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", 4095 - TWELVE, tags={"t262": 0})
    with pytest.raises(BadImage, match=r"only a part of their range \(found 0 to 4095 of 65535"):
        grey(path)
    np.testing.assert_array_equal(grey(path, (0, 100)), np.rint(TWELVE * (255 / 4095)))


def test_a_declared_null_value_is_marked_in_a_picture_of_8_bits(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[42113] = "255"
    Image.fromarray(LEVELS).save(tmp_path / "a.tif", tiffinfo=tags)
    rows = open_source(tmp_path / "a.tif", Scaling()).open()
    np.testing.assert_array_equal(rows.is_null(0, 40), LEVELS == 255)
    np.testing.assert_array_equal(rows.read(0, 40)[LEVELS != 255], LEVELS[LEVELS != 255])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_orientation_in_xmp_alone_is_refused(tmp_path: Path, suffix: str) -> None:
    xmp = '<rdf:Description tiff:Orientation="6"/>'
    texts, tags = PngImagePlugin.PngInfo(), TiffImagePlugin.ImageFileDirectory_v2()
    texts.add_itxt("XML:com.adobe.xmp", xmp)
    tags[700] = xmp.encode()
    Image.fromarray(LEVELS).save(tmp_path / f"a{suffix}", pnginfo=texts, tiffinfo=tags)
    with pytest.raises(BadImage, match=r"declared in XMP or in a text \(found 6"):
        grey(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("options", [{"big_tiff": True}, {"compression": "tiff_lzw"}, {"compression": "packbits"}])
def test_big_and_compressed_tiffs_are_read(tmp_path: Path, options: dict[str, Any]) -> None:
    Image.fromarray(LEVELS).save(tmp_path / "a.tif", **options)
    np.testing.assert_array_equal(grey(tmp_path / "a.tif"), LEVELS)


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("CMYK", "wrong kind of image .found 8-bit CMYK"),
        ("YCbCr", "wrong kind of image .found 8-bit YCbCr"),
        ("P", "wrong kind of image .found 8-bit palette"),
        ("LA", "has an alpha channel .found 8-bit grey with 2 samples, ExtraSamples"),
        ("RGBA", "has an alpha channel .found 8-bit RGB with 4 samples, ExtraSamples"),
    ],
)
def test_other_colours_are_refused_by_name(tmp_path: Path, mode: str, found: str) -> None:
    Image.fromarray(LEVELS).convert("RGB").convert(mode).save(tmp_path / "a.tif")
    with pytest.raises(BadImage, match=found):
        open_source(tmp_path / "a.tif", Scaling())


def test_a_picture_that_is_replaced_while_it_waits_is_refused(tmp_path: Path) -> None:
    Image.fromarray(LEVELS).save(tmp_path / "a.png")
    source = open_source(tmp_path / "a.png", Scaling())
    Image.fromarray(LEVELS[:20]).save(tmp_path / "a.png")
    with pytest.raises(BadImage, match=r"a\.png: was replaced while it was read \(found 20 x 30, expected 40 x 30"):
        source.open()


def test_deep_rgb_is_refused_by_its_depth(tmp_path: Path) -> None:
    rows = zlib.compress(bytes(1 + 2 * 3))
    parts = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(SIGNATURE + b"".join(parts))
    with pytest.raises(BadImage, match=r"wrong kind of image \(found 16-bit RGB, expected 8 or 16 bit grey"):
        open_source(tmp_path / "a.png", Scaling())


def test_a_picture_that_claims_an_absurd_size_is_refused_by_its_header(tmp_path: Path) -> None:
    Image.new("L", (7, 5)).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:16] + struct.pack(">I", 2**31 - 1) + content[20:])
    with pytest.raises(BadImage, match=r"a\.png: is too large for a picture \(found 2147483647 x 5 px"):
        read_header(tmp_path / "a.png")
