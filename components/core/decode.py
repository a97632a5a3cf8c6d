"""Decodes PNG files to arrays. The header is checked before anything is decoded, so a false size allocates nothing."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.png_header import GREY, RGB, PngHeader, read_png_header
from salt_pipeline.components.core.schemas import SIDE

LIMIT = 1 << 20
"""Most bytes of a PNG file; one of 101 x 101 pixels needs at most about 60,000."""


def decode_image(content: bytes, where: str) -> npt.NDArray[np.uint8]:
    """Decodes an image.

    Args:
        content: A PNG, 101 x 101, 8-bit grey or 8-bit RGB with equal channels.
        where: Its name for messages.

    Returns:
        Grey levels (101, 101).

    Raises:
        SaltError: If it is anything else.
    """
    header = _header(content, where)
    if header.depth != 8 or header.colour not in (GREY, RGB) or header.transparent:
        raise SaltError("wrong kind of image", file=where, found=header.kind, expected="8-bit RGB or grey")
    pixels = _pixels(content, where, header)
    if header.colour == GREY:
        return pixels.astype(np.uint8)
    if (pixels != pixels[..., :1]).any():
        raise SaltError("channels differ", file=where, expected="three equal channels")
    return np.ascontiguousarray(pixels[..., 0], dtype=np.uint8)


def decode_mask(content: bytes, where: str) -> npt.NDArray[np.uint8]:
    """Decodes a mask.

    Args:
        content: A grey PNG, 101 x 101, 16-bit with values 0 and 65535 or 8-bit with 0 and 255.
        where: Its name for messages.

    Returns:
        Mask (101, 101), 1 is salt, 0 is not.

    Raises:
        SaltError: If it is anything else.
    """
    header = _header(content, where)
    if header.depth not in (8, 16) or header.colour != GREY or header.transparent:
        raise SaltError("wrong kind of mask", file=where, found=header.kind, expected="8-bit or 16-bit grey")
    pixels = _pixels(content, where, header)
    white = 255 if header.depth == 8 else 65535
    salt = pixels == white
    if not (salt | (pixels == 0)).all():
        other = int(pixels[(pixels != 0) & ~salt][0])
        raise SaltError("mask holds another value", file=where, found=other, expected=f"0 and {white}")
    return salt.astype(np.uint8)


def _header(content: bytes, where: str) -> PngHeader:
    """What the PNG says about its samples, the size checked. Images and masks are stored as they are to be read."""
    header = read_png_header(io.BytesIO(content))
    if header is None:
        raise SaltError("is no PNG", file=where)
    if (header.width, header.height) != (SIDE, SIDE):
        raise SaltError(
            "wrong size", file=where, found=f"{header.width} x {header.height}", expected=f"{SIDE} x {SIDE}"
        )
    if header.orientation != 1:
        raise SaltError("has an orientation", file=where, found=header.orientation, expected="1, or no such tag")
    if header.frames > 1:
        raise SaltError("holds several images", file=where, found=header.frames, expected="one")
    return header


def _pixels(content: bytes, where: str, header: PngHeader) -> npt.NDArray:
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            pixels = np.asarray(image)
    except Exception as error:  # a damaged PNG makes Pillow raise errors of many types
        raise SaltError("cannot be decoded", file=where, found=error) from error
    expected = (SIDE, SIDE) if header.colour == GREY else (SIDE, SIDE, 3)
    if pixels.shape != expected:  # a second header inside the file
        raise SaltError("wrong size", file=where, found=pixels.shape, expected=expected)
    return pixels
