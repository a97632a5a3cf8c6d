"""A bundle predicts SEG-Y files, volumes, and arrays and pictures with exchanged axes."""

import csv
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.inference.apply import apply
from salt_pipeline.components.inference.segy import Geometry
from tests.components.inference.segy_files import amplitudes, headers, read_segy, write_segy
from tests.components.trained import Trained


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def close(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether maps are equal but for rounding: batches of another size, and sums in another order."""
    return bool(abs(one.astype(int) - other.astype(int)).max() <= 1)


def test_a_line_is_predicted_alike_in_every_kind_of_file(trained: Trained, tmp_path: Path) -> None:
    section_HW = amplitudes(120, 130).T.copy()
    np.save(tmp_path / "rows.npy", section_HW)
    np.save(tmp_path / "turned.npy", section_HW.T)
    np.save(tmp_path / "cube.npy", section_HW.T[None])
    write_segy(tmp_path / "line.SGY", section_HW.T)
    bundle, out = open_bundle(trained.bundle), tmp_path / "out"
    assert (
        apply([str(tmp_path / "rows.npy"), str(tmp_path / "cube.npy"), str(tmp_path / "line.SGY")], bundle, str(out))
        == []
    )
    assert apply([str(tmp_path / "turned.npy")], bundle, str(tmp_path / "other"), transposed=True) == []
    map_HW = np.load(out / "maps" / "rows.npy")
    assert close(np.load(tmp_path / "other" / "maps" / "turned.npy").T, map_HW)
    assert close(np.load(out / "maps" / "cube.npy")[0].T, map_HW)
    assert close(pixels(out / "maps" / "line.png"), map_HW)
    assert close(read_segy(out / "probability" / "line.SGY").T * 255, map_HW)
    assert headers(out / "mask" / "line.SGY", 130, 5) == headers(tmp_path / "line.SGY", 130, 5)


def test_a_picture_whose_rows_are_traces_is_turned_for_the_network(trained: Trained, tmp_path: Path) -> None:
    bundle = open_bundle(trained.bundle)
    for name, image_HW in (("upright", trained.images_BHW[0]), ("turned", trained.images_BHW[0].T)):
        (tmp_path / name).mkdir()
        Image.fromarray(image_HW).save(tmp_path / name / "a.png")
        Image.fromarray(np.pad(image_HW, 5, mode="reflect")).save(tmp_path / name / "b.png")
        assert apply([str(tmp_path / name)], bundle, str(tmp_path / f"{name}-out"), transposed=name == "turned") == []
    for name in ("a.png", "b.png"):
        map_HW, turned_HW = (pixels(tmp_path / f"{folder}-out" / "maps" / name) for folder in ("upright", "turned"))
        assert close(turned_HW.T, map_HW)
        assert not close(turned_HW, map_HW)


def test_a_folder_of_volumes_is_predicted_and_what_is_wrong_is_named(
    trained: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, inlines, crosslines = tmp_path / "survey", [1] * 4 + [2] * 4, [1, 2, 3, 4] * 2
    folder.mkdir()
    write_segy(folder / "volume.sgy", amplitudes(8, 30), inlines, crosslines, places=(9, 21), endian="little", code=3)
    holes_TS = amplitudes(6, 5)
    holes_TS[4, 2] = np.inf
    write_segy(folder / "holes.segy", holes_TS)
    (folder / "text.sgy").write_text("no traces")
    with caplog.at_level(logging.INFO):
        problems = apply(
            [str(folder)], open_bundle(trained.bundle), str(tmp_path / "out"), geometry=Geometry(9, 21), null=7.0
        )
    reported = sorted(str(problem).removeprefix(f"{folder}/") for problem in problems)
    assert reported[0].startswith("holes.segy: trace 5, sample 3: holds a number that is not finite (found inf")
    assert reported[1].startswith("text.sgy: is too short for SEG-Y")
    assert len(reported) == 2
    assert "volume.sgy: 2 lines, inline1 to inline2, 8 traces of 30 samples, int16, little-endian" in caplog.text
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["width"], row["height"]) == ("8", "30")
    assert {path.name for path in (tmp_path / "out").rglob("*.*")} == {
        *("volume.sgy", "volume-inline1.png", "volume-inline2.png", "predictions.csv")
    }
