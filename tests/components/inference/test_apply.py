"""A bundle predicts images as the pipeline does, and each file that cannot be predicted is reported with the reason."""

import csv
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import cut
from salt_pipeline.components.inference.apply import apply
from salt_pipeline.components.inference.outputs import NULL_COLOUR
from tests.components.trained import Trained


def table(out: Path) -> dict[str, dict[str, str]]:
    with (out / "predictions.csv").open(newline="") as file:
        return {Path(row["file"]).name: row for row in csv.DictReader(file)}


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture
def pictures(trained: Trained, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, image_HW in zip(trained.ids, trained.images_BHW, strict=True):
        Image.fromarray(image_HW).convert("RGB").save(folder / f"{name}.png")
    return folder


def test_a_folder_of_pictures_gives_the_pipelines_own_maps_and_submission(
    trained: Trained, pictures: Path, tmp_path: Path
) -> None:
    bundle, out = open_bundle(trained.bundle), tmp_path / "out"
    assert apply([str(pictures)], bundle, str(out)) == []
    maps_BHW = np.stack([pixels(out / "maps" / f"{name}.png") for name in trained.ids])
    np.testing.assert_array_equal(maps_BHW, trained.maps_BHW)
    with (trained.folder / "submission.csv").open(newline="") as file:
        submitted = {row["id"]: row["rle_mask"] for row in csv.DictReader(file)}
    rows = table(out)
    assert {Path(name).stem: row["rle_mask"] for name, row in rows.items()} == submitted
    for name, map_HW in zip(trained.ids, maps_BHW, strict=True):
        mask_HW, row = pixels(out / "masks" / f"{name}.png"), rows[f"{name}.png"]
        assert set(np.unique(mask_HW)) <= {0, 255}
        assert (row["width"], row["height"]) == ("101", "101")
        assert float(row["salt_fraction"]) == pytest.approx((mask_HW > 0).mean(), abs=1e-6)
        assert float(row["largest_probability"]) == pytest.approx(map_HW.max() / 255, abs=1e-4)
        overlay_HWC, image_HW = pixels(out / "overlays" / f"{name}.png"), pixels(pictures / f"{name}.png")
        np.testing.assert_array_equal(overlay_HWC[mask_HW == 0], image_HW[mask_HW == 0])
        assert (overlay_HWC[mask_HW > 0] != image_HW[mask_HW > 0]).any() or not mask_HW.any()


def test_every_kind_of_picture_gives_the_same_map(trained: Trained, tmp_path: Path) -> None:
    image_HW = trained.images_BHW[1]
    deep = Image.fromarray(image_HW.astype(np.uint16) * 257)
    kinds = {
        "a.png": Image.fromarray(image_HW),
        "b.png": deep,
        "c.tif": Image.fromarray(image_HW),
        "d.tiff": deep,
        "e.TIF": Image.fromarray(image_HW).convert("RGB"),
    }
    for name, image in kinds.items():
        image.save(tmp_path / name)
    np.save(tmp_path / "f.npy", image_HW)
    files = [str(tmp_path / name) for name in (*kinds, "f.npy")]
    assert apply(files, open_bundle(trained.bundle), str(tmp_path / "out")) == []
    maps = [pixels(tmp_path / "out" / "maps" / f"{name}.png") for name in "abcde"]
    for map_HW in [*maps, np.load(tmp_path / "out" / "maps" / "f.npy")]:
        assert abs(map_HW.astype(int) - maps[0]).max() <= 1  # batches of another size may be rounded differently
    assert [Path(name).suffix for name in table(tmp_path / "out")] == [Path(name).suffix for name in files]


@pytest.mark.parametrize(("height", "width"), [(60, 101), (1, 1), (101, 102), (160, 110)])
def test_other_sizes_are_tiled(trained: Trained, tmp_path: Path, height: int, width: int) -> None:
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8)).save(tmp_path / "a.png")
    bundle = open_bundle(trained.bundle)
    assert apply([str(tmp_path / "a.png")], bundle, str(tmp_path / "out")) == []
    shapes = [pixels(tmp_path / "out" / name / "a.png").shape for name in ("maps", "masks", "overlays")]
    assert shapes == [(height, width), (height, width), (height, width, 3)]
    map_HW, mask_HW = (pixels(tmp_path / "out" / name / "a.png") for name in ("maps", "masks"))
    np.testing.assert_array_equal(mask_HW > 0, map_HW >= cut(bundle.threshold))
    assert table(tmp_path / "out")["a.png"]["rle_mask"] == ""


def test_bad_files_are_reported_and_the_others_are_predicted(trained: Trained, pictures: Path, tmp_path: Path) -> None:
    good = Image.open(pictures / f"{trained.ids[0]}.png").convert("L")
    (pictures / "damaged.png").write_bytes((pictures / f"{trained.ids[0]}.png").read_bytes()[:300])
    (pictures / "text.tif").write_text("no image")
    good.convert("RGBA").save(pictures / "alpha.png")
    good.save(pictures / "clear.png", transparency=7)
    good.convert("1").save(pictures / "bits.png")
    good.convert("I").save(pictures / "int.tif")
    Image.fromarray(np.dstack([np.full((101, 101), level, np.uint8) for level in (1, 2, 3)])).save(pictures / "rgb.png")
    good.save(pictures / "pages.tif", save_all=True, append_images=[good])
    np.save(pictures / "cube.npy", np.zeros((3, 4, 5, 6)))
    np.save(pictures / "names.npy", np.array([["a"]]))
    np.save(pictures / "objects.npy", np.array([[{}]], dtype=object))
    (pictures / "short.npy").write_bytes(b"\x93NUMPY")
    holes = np.zeros((300, 120), np.float32)
    holes[201, 7] = np.nan
    np.save(pictures / "holes.npy", holes)
    out = tmp_path / "out"
    reported = "\n".join(
        map(str, apply([str(pictures), str(tmp_path / "missing.png")], open_bundle(trained.bundle), str(out)))
    )
    for problem in (
        "damaged.png: cannot be decoded",
        "text.tif: cannot be read as an image",
        "alpha.png: has an alpha channel",
        "clear.png: has an alpha channel",
        "bits.png: wrong kind of image (found 1-bit grey",
        "rgb.png: channels differ",
        "int.tif: wrong kind of image (found 32-bit signed",
        "pages.tif: holds several images",
        "cube.npy: is no section (found 3 x 4 x 5 x 6",
        "names.npy: wrong type",
        "objects.npy: cannot be read as a .npy",
        "short.npy: cannot be read as a .npy",
        "missing.png: does not exist",
        "holes.npy: ",
        "not finite",
    ):
        assert problem in reported
    assert len(reported.splitlines()) == 14
    assert len(table(out)) == len(trained.ids)
    maps_BHW = np.stack([pixels(out / "maps" / f"{name}.png") for name in trained.ids])
    np.testing.assert_array_equal(maps_BHW, trained.maps_BHW)
    assert {path.stem for path in out.rglob("*.*")} == {*trained.ids, "predictions"}


def test_an_infinite_amplitude_outside_the_sample_is_reported(trained: Trained, tmp_path: Path) -> None:
    section = np.zeros((102, 1500), np.float32)
    section[101, 1403] = np.inf
    np.save(tmp_path / "a.npy", section)
    (problem,) = apply([str(tmp_path / "a.npy")], open_bundle(trained.bundle), str(tmp_path / "out"), stride=101)
    assert "a.npy: row 101, column 1403: holds a number that is not finite (found inf)" in str(problem)
    assert not any((tmp_path / "out" / "maps").iterdir())


def test_calls_that_cannot_be_done_are_refused(trained: Trained, pictures: Path, tmp_path: Path) -> None:
    bundle = open_bundle(trained.bundle)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SaltError, match="empty: holds no images"):
        apply([str(tmp_path / "empty")], bundle, str(tmp_path / "out"))
    with pytest.raises(SaltError, match=r"no image to predict\n.*empty: holds no images") as caught:
        apply([str(tmp_path / "empty"), "n" * 300], bundle, str(tmp_path / "out"))
    assert "n: cannot be read: File name too long" in str(caught.value)
    (tmp_path / "file").write_text("")
    with pytest.raises(SaltError, match=r"file: --out: cannot be written"):
        apply([str(pictures / f"{trained.ids[1]}.png")], bundle, str(tmp_path / "file"))


def test_every_name_that_the_file_system_takes_gets_its_outputs(trained: Trained, tmp_path: Path) -> None:
    names = ["x" * 251 + ".png", os.fsdecode(b"\xff.png"), "\U0001f9c2" * 62 + ".tif"]
    for name in names:
        Image.fromarray(trained.images_BHW[0]).save(tmp_path / name)
    assert not apply([str(tmp_path / name) for name in names], open_bundle(trained.bundle), str(tmp_path / "out"))
    assert list(table(tmp_path / "out")) == [names[0], "\\udcff.png", names[2]]
    assert all((tmp_path / "out" / "maps" / f"{Path(name).stem}.png").is_file() for name in names)


def test_a_folder_that_cannot_be_used_and_a_second_image_of_one_name_do_not_end_the_others(
    trained: Trained, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    Image.new("L", (101, 101)).save(pictures / f"{trained.ids[0]}.tif")
    given = [str(tmp_path / "empty"), str(pictures), str(pictures / f"{trained.ids[1]}.png")]
    problems = apply(given, open_bundle(trained.bundle), str(tmp_path / "out"))
    assert [problem.problem for problem in problems] == [
        "holds no images",
        "has the name of another image, and so would its outputs",
    ]
    assert len(table(tmp_path / "out")) == len(trained.ids)


def test_leftovers_are_passed_over_and_what_is_no_regular_file_is_refused(
    trained: Trained, pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (f"._{trained.ids[0]}.png", ".DS_Store", "Thumbs.db", "notes.txt"):
        (pictures / name).write_bytes(b"leftover")
    (pictures / "elsewhere").symlink_to(tmp_path)
    os.mkfifo(pictures / "pipe.png")
    (pictures / "folder.png").mkdir()
    (pictures / "zero.npy").symlink_to("/dev/zero")
    (pictures / "gone.tif").symlink_to("nowhere")
    with caplog.at_level(logging.INFO):
        problems = apply([str(pictures)], open_bundle(trained.bundle), str(tmp_path / "out"))
    assert [f"{Path(problem.file or '').name}: {problem.problem}" for problem in problems] == [
        "folder.png: is not a regular file",
        "gone.tif: does not exist",
        "pipe.png: is not a regular file",
        "zero.npy: is not a regular file",
    ]
    assert "pictures: not predicted: 2 other files or folders: elsewhere, notes.txt" in caplog.text
    assert f"{len(trained.ids)} images predicted, 4 skipped" in caplog.text


def test_what_is_printed_of_a_name_stays_on_one_line(trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a\n\x1b[1m[b]\xff.png")
    path.write_text("no image")
    (problem,) = apply([str(path)], open_bundle(trained.bundle), str(tmp_path / "out"))
    assert r"a\n\x1b[1m[b]\udcff.png: cannot be read as an image" in str(problem)


@pytest.mark.parametrize(("name", "size"), [("section.npy", (120, 130)), ("tile.npy", (101, 101))])
def test_no_salt_is_predicted_where_there_are_no_data(
    trained: Trained, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    values_HW = np.random.default_rng(0).normal(0, 10, size).astype(np.float32)
    values_HW[:, :30], values_HW[70:, 60:] = 1e30, -999.25
    null_HW = np.abs(values_HW) > 900
    np.save(tmp_path / name, values_HW)
    bundle = open_bundle(trained.bundle).model_copy(update={"threshold": 0.0, "min_area": 0})
    assert apply([str(tmp_path / name)], bundle, str(tmp_path / "out")) == []
    map_HW, mask_HW = np.load(tmp_path / "out/maps" / name), pixels(tmp_path / "out/masks" / f"{Path(name).stem}.png")
    assert not mask_HW[null_HW].any()
    assert not map_HW[null_HW].any()
    assert map_HW[~null_HW].any()
    overlay_HWC = pixels(tmp_path / "out/overlays" / f"{Path(name).stem}.png")
    assert (overlay_HWC[null_HW] == NULL_COLOUR).all()
    row = table(tmp_path / "out")[name]
    assert float(row["null_fraction"]) == pytest.approx(null_HW.mean(), abs=1e-6)
    assert float(row["salt_fraction"]) == pytest.approx((mask_HW > 0).mean(), abs=1e-6)


def test_a_failure_of_the_outputs_ends_the_call_with_its_file_and_leaves_the_table(
    trained: Trained, pictures: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "line.npy", np.random.default_rng(0).normal(size=(150, 150)))
    script = """
import resource, sys
from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.inference.apply import apply
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with exit_on_error():
    apply(sys.argv[1:3], open_bundle(sys.argv[3]), sys.argv[4])
"""
    words = [str(pictures), str(tmp_path / "line.npy"), str(trained.bundle), str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", script, *words], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("line.npy: cannot be written: File too large")
    written = {path.name for path in (tmp_path / "out" / "masks").iterdir()}
    assert written == set(table(tmp_path / "out")) == {f"{name}.png" for name in trained.ids[:4]}
