import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .conftest import messages, only, pack


def test_an_image_without_a_mask_is_named(survey: Any) -> None:
    survey.path("train/masks", survey.salty).unlink()
    assert messages(survey.folder) == [f"train/images/{survey.salty}.png: image without a mask"]


def test_a_mask_without_an_image_is_named(survey: Any) -> None:
    image_id = survey.labelled[4]
    survey.path("train/images", image_id).unlink()
    assert messages(survey.folder) == [f"train/masks, train.csv, depths.csv: {image_id}: there is no image of this id"]


def test_images_without_a_row_in_a_table_are_named(survey: Any) -> None:
    for part in ("train/images", "train/masks", "test/images"):
        new = "aaa" if part.startswith("train") else "bbb"
        source = next((survey.folder / part).iterdir())
        survey.path(part, new).write_bytes(source.read_bytes())
    survey.path("train/masks", "aaa").write_bytes(survey.path("train/masks", survey.salty).read_bytes())
    assert messages(survey.folder) == [
        "train/images/aaa.png: image without a row in train.csv and a row in depths.csv",
        "test/images/bbb.png: image without a row in sample_submission.csv and a row in depths.csv",
    ]


def test_a_file_name_that_is_no_id_is_refused(survey: Any) -> None:
    Image.new("RGB", (101, 101)).save(survey.path("test/images", "a,b"))
    assert messages(survey.folder) == [
        "test/images/a,b.png: is no id (found 'a,b', expected 1 to 64 letters, digits, _ and -)"
    ]


def test_a_row_of_the_sample_without_an_image_is_named(survey: Any) -> None:
    image_id = survey.test[0]
    survey.path("test/images", image_id).unlink()
    assert messages(survey.folder) == [f"sample_submission.csv, depths.csv: {image_id}: there is no image of this id"]


def test_one_cause_is_one_line(survey: Any) -> None:
    a, b, c, *_ = missing = survey.test[:8]
    for image_id in missing:
        survey.path("test/images", image_id).unlink()
    for image_id in survey.labelled:
        survey.path("train/masks", image_id).unlink()
    assert messages(survey.folder) == [
        f"{survey.folder}: no mask (expected train/masks/<id>.png)",
        f"sample_submission.csv, depths.csv: {a}, {b}, {c} and 5 more: there is no image of this id",
    ]


def test_an_empty_table_is_no_missing_one(survey: Any) -> None:
    (survey.folder / "depths.csv").write_text("id,z\n")
    (message,) = messages(survey.folder)
    assert message.endswith(" and 27 more: image without a row in depths.csv")


def test_an_image_that_is_labelled_and_a_test_image_is_named(survey: Any) -> None:
    image_id = survey.labelled[0]
    survey.path("test/images", image_id).write_bytes(survey.path("train/images", image_id).read_bytes())
    assert f"test/images/{image_id}.png: is a labelled image and a test image" in messages(survey.folder)


@pytest.mark.parametrize(("part", "what"), [("train/images", "labelled"), ("test/images", "test")])
def test_a_survey_without_images_of_one_kind_is_refused(survey: Any, part: Any, what: Any) -> None:
    for path in (survey.folder / part).iterdir():
        path.unlink()
    assert messages(survey.folder)[0] == f"{survey.folder}: no {what} image (expected {part}/<id>.png)"


def test_a_zip_in_the_zip_is_named(survey: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(pack(survey.folder, tmp_path / "survey.zip"), "survey.zip")
    said = only(tmp_path / "a.zip")
    assert "no labelled image, no mask (found survey.zip, which is not unpacked" in said


def test_pictures_in_other_folders_are_named(survey: Any) -> None:
    (survey.folder / "train").rename(survey.folder / "Training set")
    said = only(survey.folder)
    assert "no labelled image, no mask (found 20 .png files in Training set/images, 20 .png files in " in said


def test_names_that_are_no_ids_are_not_missing_too(survey: Any) -> None:
    for path in (survey.folder / "test/images").iterdir():
        path.rename(path.with_name(f"x {path.name}"))
    assert "and 7 more: is no id" in only(survey.folder)
