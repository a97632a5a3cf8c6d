"""What a TIFF says about its samples, from files that Pillow writes."""

import struct
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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("tag", "name"), [(256, "ImageWidth"), (257, "ImageLength"), (262, "PhotometricInterpretation")]
)
def test_a_missing_tag_is_named(tmp_path: Path, tag: int, name: str) -> None:
    Image.new("L", (7, 5)).save(tmp_path / "a.tif")
    content = (tmp_path / "a.tif").read_bytes()
    entry = struct.pack("<HH", tag, 3 if tag == 262 else 4)
    assert content.count(entry) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(entry, struct.pack("<H", 65000) + entry[2:]))
    with pytest.raises(ValueError, match=rf"^no {name}: it is truncated or damaged$"):
        read_tiff_header(tmp_path / "a.tif")


@pytest.mark.filterwarnings("error")
def test_a_directory_that_is_cut_off_is_damage(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(struct.pack("<2sHI", b"II", 42, 1000) + bytes(500))
    with pytest.raises(ValueError, match=r"^no ImageWidth: it is truncated or damaged$"):
        read_tiff_header(tmp_path / "a.tif")


@pytest.mark.parametrize("samples", [0, 65, 2**32 - 1])
def test_an_absurd_number_of_samples_is_refused_before_it_is_counted(tmp_path: Path, samples: int) -> None:
    Image.new("L", (7, 5)).save(tmp_path / "a.tif")
    content = (tmp_path / "a.tif").read_bytes()
    start = content.index(struct.pack("<HH", 284, 3))  # a tag that is not read
    entry = struct.pack("<HHII", 277, 4, 1, samples)
    (tmp_path / "a.tif").write_bytes(content[:start] + entry + content[start + 12 :])
    with pytest.raises(ValueError, match=f"^{samples} samples of a pixel$"):
        read_tiff_header(tmp_path / "a.tif")
