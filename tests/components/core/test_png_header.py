"""What a PNG says about its samples, from files that Pillow writes."""

import io
from typing import Any

import pytest
from PIL import Image

from salt_pipeline.components.core.png_header import GREY, RGB, PngHeader, read_png_header


def png(mode: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (7, 5)).save(file, "png", **options)
    return file.getvalue()


def header(content: bytes) -> PngHeader | None:
    return read_png_header(io.BytesIO(content))


@pytest.mark.parametrize(
    ("mode", "depth", "colour", "kind"),
    [("L", 8, GREY, "8-bit grey"), ("I;16", 16, GREY, "16-bit grey"), ("RGB", 8, RGB, "8-bit RGB")],
)
def test_size_depth_and_colour(mode: str, depth: int, colour: int, kind: str) -> None:
    found = header(png(mode))
    assert found == PngHeader(7, 5, depth, colour)
    assert found.kind == kind


def test_orientation_and_a_transparent_colour() -> None:
    exif = Image.Exif()
    exif[274] = 6
    turned, clear = header(png("L", exif=exif)), header(png("L", transparency=0))
    assert turned == PngHeader(7, 5, 8, GREY, orientation=6)
    assert clear == PngHeader(7, 5, 8, GREY, transparent=True)
    assert clear.kind == "8-bit grey with a transparent colour"


def test_an_animation_has_several_frames() -> None:
    frames = [Image.new("L", (7, 5), grey) for grey in (0, 9)]
    found = header(png("L", save_all=True, append_images=frames))
    assert found is not None
    assert found.frames > 1


def test_what_is_no_png_has_no_header() -> None:
    assert header(b"") is None
    assert header(png("L")[1:]) is None
    assert header(png("L")[:40]) == PngHeader(7, 5, 8, GREY)  # truncated: what is left of it
