import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.rle import decode
from salt_pipeline.components.ingest.stage import check_data
from salt_pipeline.components.ingest.synth import write_survey


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("synth") / "survey.zip"
    write_survey(str(path), labelled=200, test=50, seed=3)
    return path


@pytest.fixture(scope="module")
def train(archive: Any) -> Any:
    with zipfile.ZipFile(archive) as outer, zipfile.ZipFile(outer.open("train.zip")) as inner:
        return {name: inner.read(name) for name in inner.namelist()}


@pytest.fixture(scope="module")
def masks_BHW(train: Any) -> Any:
    names = sorted(name for name in train if name.startswith("masks/"))
    return np.stack([np.asarray(Image.open(io.BytesIO(train[name]))) > 0 for name in names])


@pytest.fixture(scope="module")
def images_BHW(train: Any) -> Any:
    names = sorted(name for name in train if name.startswith("images/"))
    return np.stack([np.asarray(Image.open(io.BytesIO(train[name])))[..., 0] for name in names])


def test_the_archive_has_the_layout_of_the_original(archive: Any) -> None:
    with zipfile.ZipFile(archive) as outer:
        tables = ["depths.csv", "sample_submission.csv", "train.csv"]
        assert sorted(outer.namelist()) == sorted([*tables, "train.zip", "test.zip", "SYNTHETIC.txt"])
        lines = {name: outer.read(name).decode().splitlines() for name in tables}
        with zipfile.ZipFile(outer.open("test.zip")) as inner:
            assert sorted(inner.namelist()) == [
                f"images/{line[:10]}.png" for line in lines["sample_submission.csv"][1:]
            ]
    assert lines["depths.csv"][0] == "id,z"
    assert lines["train.csv"][0] == lines["sample_submission.csv"][0] == "id,rle_mask"
    assert [len(lines[name]) - 1 for name in tables] == [250, 50, 200]


def test_images_and_masks_have_the_formats_of_the_original(train: Any) -> None:
    for name, content in train.items():
        image = Image.open(io.BytesIO(content))
        pixels = np.asarray(image)
        assert image.size == (101, 101)
        if name.startswith("images/"):
            assert image.mode == "RGB"
            assert (pixels == pixels[..., :1]).all()
        else:
            assert image.mode == ("I;16" if pixels.any() else "L")
            assert set(np.unique(pixels)) <= {0, 65535}


def test_the_fractions_of_each_kind_are_near_the_original(masks_BHW: Any, images_BHW: Any) -> None:
    area = masks_BHW.sum((1, 2))
    some = masks_BHW[area > 0]
    vertical = (some == some[:, :1]).all((1, 2)).sum() / len(masks_BHW)
    assert 0.35 <= (area == 0).mean() <= 0.45
    assert 0.01 <= ((area > 0) & (area <= 32)).mean() <= 0.05
    assert 0.005 <= (area >= 0.99 * 101 * 101).mean() <= 0.03
    assert area.max() < 101 * 101
    assert 0.01 <= vertical <= 0.05
    assert 0.35 <= some.mean() <= 0.47
    black = ~images_BHW.any((1, 2))
    assert 0.01 <= black.mean() <= 0.03
    assert not area[black].any()
    assert 0.44 <= images_BHW.mean() / 255 <= 0.50
    border = masks_BHW[:, [0, -1], :].any((1, 2)) | masks_BHW[:, :, [0, -1]].any((1, 2))
    assert 0.4 <= border.mean() <= 0.6


def test_salt_is_distinguished_by_its_texture(masks_BHW: Any, images_BHW: Any) -> None:
    inside, outside = (images_BHW[masks_BHW == salt].std() for salt in (True, False))
    assert inside < 0.7 * outside


def test_depths_lie_in_range_and_salt_a_little_deeper(archive: Any, masks_BHW: Any) -> None:
    with zipfile.ZipFile(archive) as outer:
        depths = dict(line.split(",") for line in outer.read("depths.csv").decode().splitlines()[1:])
        ids = [line.split(",")[0] for line in outer.read("train.csv").decode().splitlines()[1:]]
    assert all(50 <= int(depth) <= 959 for depth in depths.values())
    feet = np.array([int(depths[image_id]) for image_id in ids])
    salty = masks_BHW.any((1, 2))
    assert feet[salty].mean() > feet[~salty].mean()


def test_some_tiles_touch(images_BHW: Any) -> None:
    # a neighbour's first column or row continues the last one of its tile
    left, right = images_BHW[:, :, -1].astype(float), images_BHW[:, :, 0].astype(float)
    upper, lower = images_BHW[:, -1].astype(float), images_BHW[:, 0].astype(float)
    touching = 0
    for ends, starts in ((left, right), (upper, lower)):
        ends_BL, starts_BL = (
            (line - line.mean(1, keepdims=True)) / (line.std(1, keepdims=True) + 1e-9) for line in (ends, starts)
        )
        likeness_BB = ends_BL @ starts_BL.T / 101
        np.fill_diagonal(likeness_BB, 0)
        touching += (likeness_BB > 0.8).sum()
    assert touching >= 8  # 12 pairs were cut


def test_run_lengths_agree_with_the_masks(archive: Any, masks_BHW: Any) -> None:
    with zipfile.ZipFile(archive) as outer:
        runs = [line.split(",")[1] for line in outer.read("train.csv").decode().splitlines()[1:]]
    assert all((decode(rle) == mask_HW).all() for rle, mask_HW in zip(runs, masks_BHW, strict=True))


def test_the_archive_passes_the_checks_of_ingest(archive: Any) -> None:
    counts, problems = check_data(str(archive))
    assert problems == []
    assert (counts["labelled"], counts["test"]) == (200, 50)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_survey(str(tmp_path / f"{name}.zip"), labelled=20, test=3, seed=seed)
    content = {name: (tmp_path / f"{name}.zip").read_bytes() for name in "abc"}
    assert content["a"] == content["b"] != content["c"]


def test_one_image_of_each_is_enough(tmp_path: Path) -> None:
    write_survey(str(tmp_path / "survey"), labelled=1, test=1)
    assert check_data(str(tmp_path / "survey"))[1] == []


def test_invalid_numbers_and_existing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match=r"labelled: too few images \(found 0"):
        write_survey(str(tmp_path / "survey"), labelled=0)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.txt").write_text("precious")
    with pytest.raises(SaltError, match="exists already"):
        write_survey(str(tmp_path / "full"), labelled=1, test=1)
    for out in ("full/thesis.txt/survey", "full/thesis.txt/survey.zip"):
        with pytest.raises((SaltError, OSError)):
            write_survey(str(tmp_path / out), labelled=1, test=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "thesis.txt"]


@pytest.mark.parametrize("out", ["", ".", "/"])
def test_the_folder_that_one_is_in_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(SaltError, match="exists already"):
        write_survey(out, labelled=1, test=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_archive_that_is_not_synthetic_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "real.zip"
    for content in (b"PK", b""):
        path.write_bytes(content)
        with pytest.raises(SaltError, match=r"real\.zip: exists already, and is no synthetic survey"):
            write_survey(str(path), labelled=1, test=1)
        assert path.read_bytes() == content
    path.unlink()
    write_survey(str(path), labelled=1, test=1)
    write_survey(str(path), labelled=2, test=1)
