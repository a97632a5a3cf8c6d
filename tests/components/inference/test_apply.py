"""A bundle predicts images as the pipeline does, and each file that cannot be predicted is reported with the reason."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import cut
from salt_pipeline.components.inference.apply import apply
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
    good.convert("F").save(pictures / "float.tif")
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
        "float.tif: wrong kind of image (found 32-bit floating-point",
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
    twin = pictures / f"{trained.ids[0]}.tif"
    Image.new("L", (101, 101)).save(twin)
    with pytest.raises(SaltError, match=rf"{twin.name}: has the name of another image"):
        apply([str(pictures)], bundle, str(tmp_path / "out"))
    (tmp_path / "file").write_text("")
    with pytest.raises(SaltError, match=r"file: --out: cannot be written"):
        apply([str(pictures / f"{trained.ids[1]}.png")], bundle, str(tmp_path / "file"))


def test_names_that_are_too_long_or_not_utf8_do_not_end_the_others(trained: Trained, tmp_path: Path) -> None:
    names = ["x" * 240 + ".png", os.fsdecode(b"\xff.png"), "y" * 235 + ".png"]
    for name in names:
        Image.fromarray(trained.images_BHW[0]).save(tmp_path / name)
    (problem,) = apply([str(tmp_path / name) for name in names], open_bundle(trained.bundle), str(tmp_path / "out"))
    assert "the name is too long for its outputs (found 240 bytes, expected at most 235" in str(problem)
    assert list(table(tmp_path / "out")) == ["\\udcff.png", "y" * 235 + ".png"]
