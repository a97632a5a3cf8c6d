import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from salt_pipeline.components.core.decode import decode_image, decode_mask
from salt_pipeline.components.core.errors import SaltError

GREY = np.arange(101 * 101, dtype=np.uint32).reshape(101, 101).astype(np.uint8)
SALT = (GREY > 100).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def rgb(grey_HW: np.ndarray) -> np.ndarray:
    return np.repeat(grey_HW[..., None], 3, axis=2)


def tagged(orientation: int) -> bytes:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    Image.fromarray(GREY).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def clear() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, "PNG", transparency=7)
    return buffer.getvalue()


def claim(content: bytes, width: int, height: int) -> bytes:
    """Changes the size in a PNG's header, and its checksum with it."""
    header = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def test_grey_and_rgb_images_are_the_same() -> None:
    assert (decode_image(png(GREY), "x") == GREY).all()
    image_HW = decode_image(png(rgb(GREY)), "x")
    assert (image_HW == GREY).all()
    assert image_HW.dtype == np.uint8
    assert image_HW.flags.c_contiguous
    assert (decode_image(tagged(1), "x") == GREY).all()


def test_masks_of_both_depths() -> None:
    for pixels in (SALT.astype(np.uint16) * 65535, SALT * 255):
        mask_HW = decode_mask(png(pixels), "x")
        assert (mask_HW == SALT).all()
        assert mask_HW.dtype == np.uint8
    assert not decode_mask(png(np.zeros((101, 101), np.uint8)), "x").any()


def unequal() -> np.ndarray:
    pixels = rgb(GREY)
    pixels[50, 50, 2] ^= 1
    return pixels


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(unequal()), "a.png: channels differ"),
        (png(np.dstack([rgb(GREY), GREY])), "found 8-bit RGB with alpha"),
        (png(np.dstack([GREY, GREY])), "found 8-bit grey with alpha"),
        (png(GREY.astype(np.uint16)), "found 16-bit grey"),
        (png(GREY[:100]), "a.png: wrong size .found 101 x 100, expected 101 x 101"),
        (claim(png(rgb(GREY)), 100_000, 100_000), "wrong size .found 100000 x 100000"),
        (claim(png(rgb(GREY[:50, :50])), 101, 101), "a.png: cannot be decoded"),
        (png(rgb(GREY))[:200], "a.png: cannot be decoded"),
        (tagged(6), "a.png: has an orientation .found 6"),
        (clear(), "found 8-bit grey with a transparent colour"),
        (b"", "a.png: is no PNG"),
        (b"GIF89a" + bytes(100), "a.png: is no PNG"),
    ],
)
def test_bad_images(content: bytes, message: str) -> None:
    with pytest.raises(SaltError, match=message):
        decode_image(content, "a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(SALT), "another value .found 1, expected 0 and 255"),
        (png(SALT.astype(np.uint16) * 255), "another value .found 255, expected 0 and 65535"),
        (png(rgb(SALT * 255)), "found 8-bit RGB"),
        (png(SALT[:, :90] * 255), "wrong size .found 90 x 101"),
    ],
)
def test_bad_masks(content: bytes, message: str) -> None:
    with pytest.raises(SaltError, match=message):
        decode_mask(content, "a.png")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=8))
def test_damage_gives_an_image_or_a_clear_error(position: int, damage: bytes) -> None:
    content = bytearray(png(rgb(GREY)))
    content[position : position + len(damage)] = damage
    for decoder in (decode_image, decode_mask):
        with suppress(SaltError):
            assert decoder(bytes(content), "a.png").shape == (101, 101)


def test_a_second_header_does_not_change_the_kind_of_an_image() -> None:
    first, second = png(GREY), png(rgb(GREY))
    with pytest.raises(SaltError, match=r"x: holds several images .found 2, expected one"):
        decode_image(first[:33] + second[8:], "x")


def test_a_second_header_of_the_same_shape_is_no_image_either() -> None:
    first, second = png(GREY), png(GREY.astype(np.uint16))
    with pytest.raises(SaltError, match="x: holds several images"):
        decode_image(first[:33] + second[8:], "x")
