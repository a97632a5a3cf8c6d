"""What a TIFF says about its samples, from files that Pillow writes."""

from pathlib import Path

import pytest
from PIL import Image, TiffImagePlugin

from salt_pipeline.components.inference.tiff_header import read_tiff_header


@pytest.mark.parametrize(
    ("mode", "kind", "grey", "rgb"),
    [
        ("L", "8-bit grey", True, False),
        ("I;16", "16-bit grey", True, False),
        ("RGB", "8-bit RGB", False, True),
        ("F", "32-bit floating-point grey", False, False),
        ("I", "32-bit signed grey", False, False),
    ],
)
def test_samples_in_words(tmp_path: Path, mode: str, kind: str, grey: bool, rgb: bool) -> None:
    Image.new(mode, (7, 5)).save(tmp_path / "a.tif")
    found = read_tiff_header(tmp_path / "a.tif")
    assert (found.width, found.height, found.kind, found.grey, found.rgb) == (7, 5, kind, grey, rgb)
    assert (found.orientation, found.null, found.several) == (1, None, False)


def test_orientation_null_value_and_several_images(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274], tags[42113] = 6, "-1"
    image = Image.new("L", (7, 5))
    image.save(tmp_path / "a.tif", tiffinfo=tags, save_all=True, append_images=[image])
    found = read_tiff_header(tmp_path / "a.tif")
    assert (found.orientation, found.null, found.several) == (6, -1.0, True)
