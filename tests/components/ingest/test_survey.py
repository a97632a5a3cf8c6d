from typing import Any

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.stage import check_data
from salt_pipeline.components.ingest.survey import read_survey

from .conftest import messages


def test_all_parts_of_a_survey_are_read(survey: Any) -> None:
    problems = Problems()
    read = read_survey(str(survey.folder), problems)
    assert problems.errors == []
    assert sorted(read.images) == sorted(read.masks) == survey.labelled
    assert sorted(read.test) == survey.test
    image_id = survey.salty
    assert (read.images[image_id] == np.asarray(Image.open(survey.path("train/images", image_id)))[..., 0]).all()
    assert (read.masks[image_id] == (np.asarray(Image.open(survey.path("train/masks", image_id))) > 0)).all()
    rows = [line.split(",") for line in (survey.folder / "depths.csv").read_text().splitlines()[1:]]
    assert read.depths == {image_id: int(depth) for image_id, depth in rows}


def test_positions_are_rows_of_the_sample(survey: Any) -> None:
    path = survey.folder / "sample_submission.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]) + "\n")
    positions = read_survey(str(survey.folder), Problems()).positions
    assert sorted(positions, key=lambda image_id: positions[image_id]) == survey.test[::-1]


def test_images_and_empty_masks_are_counted(survey: Any) -> None:
    counts, problems = check_data(str(survey.folder))
    empty = sum(rle == "" for rle in survey.runs.values())
    assert counts == {"labelled": 20, "test": 10, "empty_masks": empty, "black_images": counts["black_images"]}
    assert 0 < empty < 20
    assert problems == []


def test_a_mask_that_contradicts_its_run_lengths_is_named(survey: Any) -> None:
    image_id = survey.salty
    survey.edit("train.csv", survey.runs[image_id], "1 1")
    (message,) = messages(survey.folder)
    assert message.startswith(f"train/masks/{image_id}.png: mask contradicts train.csv (found ")


def test_a_transposed_mask_is_named(survey: Any) -> None:
    path = survey.path("train/masks", survey.salty)
    Image.fromarray(np.asarray(Image.open(path)).T.copy()).save(path)
    assert "mask contradicts train.csv" in messages(survey.folder)[0]


@pytest.mark.parametrize("rle", ["1", "0 5", "10201 2", "5 2 3 1", "a b", "1 1 nan"])
def test_malformed_run_lengths_are_named(survey: Any, rle: Any) -> None:
    image_id = survey.salty
    survey.edit("train.csv", f"{image_id},{survey.runs[image_id]}", f"{image_id},{rle}")
    (message,) = messages(survey.folder)
    assert message.startswith(f"train.csv: {image_id}: ")


def test_a_mask_of_another_size_is_named(survey: Any) -> None:
    Image.new("L", (128, 128)).save(survey.path("train/masks", survey.salty))
    assert messages(survey.folder) == [
        f"train/masks/{survey.salty}.png: wrong size (found 128 x 128, expected 101 x 101)"
    ]


def test_duplicate_ids_in_tables_are_named(survey: Any) -> None:
    labelled, test = survey.salty, survey.test[0]
    duplicates = {"train.csv": labelled, "depths.csv": labelled, "sample_submission.csv": test}
    for table, image_id in duplicates.items():
        path = survey.folder / table
        path.write_text(path.read_text() + f"{image_id},1\n")
    found = messages(survey.folder)
    assert len(found) == 3
    for message, (table, image_id) in zip(found, duplicates.items(), strict=True):
        assert message.startswith(f"{table}: line ")
        assert message.endswith(f": id occurs twice (found {image_id})")


@pytest.mark.parametrize(
    ("table", "found"),
    [("train.csv", "name,rle_mask"), ("depths.csv", "name,z"), ("sample_submission.csv", "name,rle_mask")],
)
def test_a_missing_column_is_named_and_a_missing_table_is_none(survey: Any, table: str, found: str) -> None:
    path = survey.folder / table
    path.write_text(path.read_text().replace("id,", "name,", 1))
    expected = found.replace("name", "id")
    assert messages(survey.folder) == [f"{table}: wrong header (found {found}, expected {expected})"]
    path.unlink()
    assert messages(survey.folder) == []


def test_a_depth_that_is_missing_or_no_number_is_named(survey: Any) -> None:
    path = survey.folder / "depths.csv"
    lines = path.read_text().splitlines()
    first, second = (line.split(",")[0] for line in lines[1:3])
    path.write_text("\n".join([lines[0], f"{first},deep", *lines[3:]]) + "\n")
    no_row, no_number = messages(survey.folder)
    assert no_row.endswith(f"images/{second}.png: image without a row in depths.csv")
    assert no_number == f"depths.csv: {first}: is no depth (found 'deep', expected ft, 0 to 100000)"
