from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.outputs import (
    FOLDERS,
    NULL_COLOUR,
    SALT_COLOUR,
    TABLE,
    Row,
    check_outputs,
    make_folders,
    open_table,
    open_writers,
)
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.sources import Section, Source

GREY_HW = np.full((4, 3), 100, np.uint8)
MAP_HW = np.arange(12, dtype=np.uint8).reshape(4, 3)
MASK_HW = (MAP_HW >= 6).astype(np.uint8)
NULL_HW = MAP_HW == 2
ROWS = [Row("a.png", 101, 101, 0.25, 0.9, "1 2", 0.0, 0.25), Row("b,c.npy", 300, 200, 0.0, 0.1, "", 0.5, None)]
LINES = [
    "file,width,height,salt_fraction,largest_probability,rle_mask,null_fraction,unlike_fraction",
    "a.png,101,101,0.25,0.9,1 2,0.0,0.25",
    '"b,c.npy",300,200,0.0,0.1,,0.5,',
]


def write(out: Path, source: Source) -> None:
    """Writes the files of one image in two bands."""
    make_folders(out)
    with open_writers(out, source) as writers:
        writers.write(GREY_HW[:1], MAP_HW[:1], MASK_HW[:1], NULL_HW[:1])
        writers.write(GREY_HW[1:], MAP_HW[1:], MASK_HW[1:], NULL_HW[1:])


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_picture_gets_a_mask_a_map_and_an_overlay(tmp_path: Path) -> None:
    write(tmp_path, Source(Path("a.tif"), 4, 3, Scaling()))
    np.testing.assert_array_equal(pixels(tmp_path / "masks/a.png"), 255 * MASK_HW)
    np.testing.assert_array_equal(pixels(tmp_path / "maps/a.png"), MAP_HW)
    overlay_HWC = pixels(tmp_path / "overlays/a.png")
    assert (overlay_HWC[(MASK_HW == 0) & ~NULL_HW] == 100).all()
    assert (overlay_HWC[NULL_HW] == NULL_COLOUR).all()
    mixed = [round(0.55 * 100 + 0.45 * channel) for channel in SALT_COLOUR]
    assert (overlay_HWC[MASK_HW == 1] == mixed).all()


def test_the_map_of_a_section_is_an_array(tmp_path: Path) -> None:
    write(tmp_path, Section(Path("a.npy"), 4, 3, Scaling()))
    np.testing.assert_array_equal(np.load(tmp_path / "maps/a.npy"), MAP_HW)
    assert not (tmp_path / "maps/a.png").exists()


def interrupted(out: Path, source: Source) -> None:
    with open_writers(out, source) as writers:
        writers.write(GREY_HW[:1], MAP_HW[:1], MASK_HW[:1], NULL_HW[:1])
        raise KeyError("interrupted")


@pytest.mark.parametrize("source", [Source(Path("a.png"), 4, 3, Scaling()), Section(Path("a.npy"), 4, 3, Scaling())])
def test_an_interrupted_image_leaves_no_file(tmp_path: Path, source: Source) -> None:
    make_folders(tmp_path)
    with pytest.raises(KeyError, match="interrupted"):
        interrupted(tmp_path, source)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_folders_are_made_once_and_a_failure_is_named(tmp_path: Path) -> None:
    make_folders(tmp_path / "out")
    make_folders(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FOLDERS)
    (tmp_path / "file").write_text("")
    with pytest.raises(SaltError, match=r"file: --out: cannot be written"):
        make_folders(tmp_path / "file")
    (tmp_path / "other" / TABLE).mkdir(parents=True)
    with pytest.raises(SaltError, match=rf"other/{TABLE}: --out: cannot be written: is a folder"):
        make_folders(tmp_path / "other")


def test_a_folder_in_the_place_of_an_output_is_named_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "overlays" / "a.png").mkdir(parents=True)
    with pytest.raises(BadImage, match=r"a\.tif: its output cannot be written: is a folder \(found .*overlays/a\.png"):
        check_outputs(tmp_path, Path("a.tif"), "a")
    check_outputs(tmp_path, Path("b.tif"), "b")


def test_the_table_has_one_line_per_image(tmp_path: Path) -> None:
    with open_table(tmp_path) as table:
        for row in ROWS:
            table.add(row)
    assert (tmp_path / TABLE).read_text().splitlines() == LINES


def interrupted_table(out: Path, failure: BaseException) -> None:
    with open_table(out) as table:
        table.add(ROWS[0])
        with table.all_or_nothing():
            table.add(ROWS[1])
            raise failure


@pytest.mark.parametrize("failure", [SaltError("the disk is full"), KeyboardInterrupt()])
def test_an_interrupted_call_leaves_the_lines_of_the_finished_images(tmp_path: Path, failure: BaseException) -> None:
    (tmp_path / TABLE).write_text("the table of an earlier call")
    with pytest.raises(type(failure)):
        interrupted_table(tmp_path, failure)
    assert (tmp_path / TABLE).read_text().splitlines() == LINES[:2]
    assert [path.name for path in tmp_path.iterdir()] == [TABLE]


def test_an_output_never_replaces_its_own_image(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "a.npy").write_text("amplitudes")
    image = tmp_path / "maps" / "a.npy"
    with pytest.raises(BadImage, match="its output cannot be written: would replace the image: use another --out"):
        check_outputs(tmp_path, image, "a")
    check_outputs(tmp_path / "maps", image, "a")
