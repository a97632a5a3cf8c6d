"""The outputs of a volume have its form; they replace earlier ones only when they are complete."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.outputs import make_folders
from salt_pipeline.components.inference.segy import Geometry, open_segy
from salt_pipeline.components.inference.volume import ArrayVolume, array_volume
from salt_pipeline.components.inference.volume_outputs import (
    LARGEST_PICTURE,
    PICTURES,
    check_volume_outputs,
    open_volume_writer,
    picture_of,
    pictured,
)
from tests.components.inference.segy_files import amplitudes, read_segy, write_segy

MAP_TS = np.array([[0, 128, 255], [255, 128, 0]], np.uint8)
MASK_TS = MAP_TS // 128


def volume_of(shape: tuple[int, ...], name: str = "cube.npy") -> ArrayVolume:
    """An array that is nowhere stored: outputs are named and shaped by it alone."""
    return array_volume(Path("survey", name), np.broadcast_to(np.uint8(0), shape), transposed=False)


@pytest.mark.parametrize(("code", "top"), [(1, 1), (5, 1), (3, 100)])
def test_only_the_traces_that_are_written_are_replaced_in_a_copy(tmp_path: Path, code: int, top: int) -> None:
    path = write_segy(tmp_path / "a.sgy", amplitudes(6, 3), code=code)
    before, stored_TS = path.read_bytes(), read_segy(path)
    with open_volume_writer(tmp_path / "out", open_segy(path, Geometry())) as writer:
        writer.write(2, MAP_TS, MASK_TS)
    middle = 50 if code == 3 else 128 / 255
    probability_TS = np.array([[0, middle, top], [top, middle, 0]])
    for folder, values_TS in (("probability", probability_TS), ("mask", MASK_TS)):
        expected_TS = stored_TS.copy()
        expected_TS[2:4] = values_TS
        np.testing.assert_allclose(read_segy(tmp_path / "out" / folder / "a.sgy"), expected_TS, rtol=2e-6)
    assert path.read_bytes() == before


@settings(deadline=None, max_examples=25)
@given(st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4)), st.booleans(), st.integers(1, 5))
def test_arrays_are_written_in_the_axes_of_the_volume_whatever_the_bands(
    shape: tuple[int, int, int], transposed: bool, band: int
) -> None:
    map_ICT = np.random.default_rng(band).integers(0, 256, shape, dtype=np.uint8)
    stored = map_ICT.swapaxes(1, 2) if transposed else map_ICT
    volume = array_volume(Path("cube.npy"), stored, transposed=transposed)
    with TemporaryDirectory() as scratch:
        with open_volume_writer(Path(scratch), volume) as writer:
            for line, map_CT in zip(volume.lines, map_ICT, strict=True):
                for first in range(0, len(map_CT), band):
                    part_TS = map_CT[first : first + band]
                    writer.write(line.start + first, part_TS, part_TS // 128)
        maps, masks = (np.load(Path(scratch, folder, "cube.npy")) for folder in ("maps", "masks"))
    assert maps.dtype == masks.dtype == np.uint8
    np.testing.assert_array_equal(maps, stored)
    np.testing.assert_array_equal(masks, np.where(stored > 127, 255, 0))


def test_a_line_of_two_axes_keeps_them(tmp_path: Path) -> None:
    with open_volume_writer(tmp_path, volume_of(MAP_TS.shape, "line.npy")) as writer:
        writer.write(0, MAP_TS, MASK_TS)
    np.testing.assert_array_equal(np.load(tmp_path / "maps/line.npy"), MAP_TS)


def test_traces_out_of_order_end_the_volume_and_keep_the_earlier_outputs(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/cube.npy").write_text("of an earlier call")
    with pytest.raises(AssertionError), open_volume_writer(tmp_path, volume_of((2, 4, 3))) as writer:
        writer.write(2, MAP_TS, MASK_TS)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "maps/cube.npy"]
    assert (tmp_path / "maps/cube.npy").read_text() == "of an earlier call"


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "masks").write_text("no folder")
    with (
        pytest.raises(SaltError, match=r"masks/cube\.npy: cannot be written: "),
        open_volume_writer(tmp_path, volume_of((1, 2, 3))),
    ):
        pass


@pytest.mark.parametrize("folder", ["maps", "masks"])
def test_a_folder_in_the_place_of_an_output_is_named_before_any_work(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder / "cube.npy").mkdir(parents=True)
    expected = rf"cube\.npy: its output cannot be written: is a folder \(found .*/{folder}/cube\.npy\)"
    with pytest.raises(BadImage, match=expected):
        check_volume_outputs(tmp_path, volume_of((1, 2, 3)), {})


def test_the_names_of_the_pictures_of_lines_are_checked_too(tmp_path: Path) -> None:
    make_folders(tmp_path)
    (tmp_path / "overlays/cube-inline1.png").mkdir()
    check_volume_outputs(tmp_path, volume_of((1, 2, 3)), {})
    with pytest.raises(
        BadImage, match=r"cube\.npy: its output cannot be written: is a folder \(found .*/overlays/cube-inline1\.png\)"
    ):
        check_volume_outputs(tmp_path, volume_of((2, 2, 3)), {})
    long = f"{'x' * 246}.npy"
    check_volume_outputs(tmp_path, volume_of((2, 3), long), {})
    with pytest.raises(BadImage, match="its output cannot be written: File name too long"):
        check_volume_outputs(tmp_path, volume_of((1, 2, 3), long), {})


def test_pictures_of_a_line_never_replace_those_of_another_image(tmp_path: Path) -> None:
    volume = volume_of((2, 2, 3))
    check_volume_outputs(tmp_path, volume, {"cube": volume.path, "cube-inline2": Path("cube-inline2.png")})
    expected = r"^survey/cube\.npy: the pictures of one .* of another image \(found cube-inline1\.tif\)$"
    with pytest.raises(BadImage, match=expected):
        check_volume_outputs(tmp_path, volume, {"cube-inline1": Path("cube-inline1.tif")})


@settings(deadline=None)
@given(st.integers(1, 2000))
def test_the_lines_that_become_pictures_are_spread_evenly_from_the_first_to_the_last(count: int) -> None:
    chosen = sorted(line.start for line in pictured(volume_of((count, 1, 1))))
    assert len(chosen) == min(count, PICTURES)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    gaps = np.diff(chosen).tolist()
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_the_largest_picture_is_written_and_no_larger_one() -> None:
    traces = LARGEST_PICTURE // 1000
    assert [len(pictured(volume_of((2, count, 1000)))) for count in (traces, traces + 1)] == [2, 0]


def test_a_picture_is_named_after_the_volume_and_its_line_and_time_runs_downwards() -> None:
    volume, line = volume_of((2, 7, 5), "a.b.npy"), volume_of((7, 5), "a.b.npy")
    pictures = [picture_of(volume, found) for found in volume.lines] + [picture_of(line, line.lines[0])]
    assert [str(picture.path) for picture in pictures] == ["a.b-inline0.png", "a.b-inline1.png", "a.b.png"]
    assert {(picture.height, picture.width) for picture in pictures} == {(5, 7)}


def test_an_output_never_replaces_its_own_volume(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    path = tmp_path / "masks/cube.npy"
    np.save(path, np.zeros((1, 2, 3), np.float32))
    with pytest.raises(BadImage, match="its output cannot be written: would replace the image: use another --out"):
        check_volume_outputs(tmp_path, array_volume(path, np.load(path), transposed=False), {})
