"""Which files are volumes: the ending decides, and of an array the number of its axes."""

import os
from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.open_volume import open_volume
from salt_pipeline.components.inference.segy import USUAL, Geometry, open_segy
from tests.components.inference.segy_files import amplitudes, write_segy


@pytest.mark.parametrize("name", ["a.npy", "A.NPY"])
@pytest.mark.parametrize(
    ("shape", "transposed", "found"),
    [
        ((2, 4, 5), False, (8, 5, 2)),
        ((2, 4, 5), True, (10, 4, 2)),
        ((4, 5), True, (4, 5, 1)),
        ((4, 5), False, None),
        ((20,), True, None),
        ((2, 2, 4, 5), True, None),
    ],
)
def test_arrays_of_three_axes_and_of_two_whose_rows_are_traces_are_volumes(
    tmp_path: Path, name: str, shape: tuple[int, ...], transposed: bool, found: tuple[int, int, int] | None
) -> None:
    with (tmp_path / name).open("wb") as file:
        np.save(file, np.zeros(shape, np.float32))
    volume = open_volume(tmp_path / name, USUAL, transposed=transposed)
    assert (volume and (volume.traces, volume.samples, len(volume.lines))) == found


@pytest.mark.parametrize("name", ["line.sgy", "LINE.SEGY"])
def test_seg_y_is_read_by_its_own_headers_and_never_transposed(tmp_path: Path, name: str) -> None:
    path = write_segy(tmp_path / name, amplitudes(6, 5), [1, 1, 1, 2, 2, 2], [5, 6, 7] * 2, places=(9, 21))
    geometry = Geometry(inline=9, crossline=21)
    for transposed in (False, True):
        volume = open_volume(path, geometry, transposed=transposed)
        assert volume == open_segy(path, geometry)
        assert volume is not None
        assert (volume.traces, volume.samples, len(volume.lines)) == (6, 5, 2)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npz", "a.sgy.txt", "npy", ".npy"])
def test_other_files_are_not_even_opened(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert open_volume(tmp_path / name, USUAL, transposed=True) is None


@pytest.mark.parametrize("suffix", [".npy", ".sgy", ".segy"])
def test_what_cannot_be_opened_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"text{suffix}").write_text("no traces")
    os.mkfifo(tmp_path / f"pipe{suffix}")
    problems = {
        "missing": r"does not exist",
        "folder": r"is not a regular file \(found a folder\)",
        "pipe": r"is not a regular file \(found a pipe, a socket or a device\)",
        "text": r"is no \.npy file" if suffix == ".npy" else r"is too short for SEG-Y \(found 9 bytes",
    }
    for name, problem in problems.items():
        with pytest.raises(BadImage, match=rf"{name}\{suffix}: {problem}"):
            open_volume(tmp_path / f"{name}{suffix}", USUAL, transposed=False)
