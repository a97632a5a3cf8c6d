import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.rle import decode
from salt_pipeline.components.core.schemas import DATASET, array_to_pixels, read_table
from salt_pipeline.components.ingest.stage import ingest, read_test_ids
from salt_pipeline.components.ingest.synth import Tile, write_tiles

from .conftest import pack, pack_nested

DROP = {"data": {"on_bad": "drop"}}


def test_the_dataset_holds_all_images_and_masks(survey: Any, tmp_path: Path) -> None:
    facts = ingest(str(survey.folder), {}, str(tmp_path / "out/dataset.parquet"))
    table, metadata = read_table(tmp_path / "out/dataset.parquet", DATASET)
    ids = table["id"].to_pylist()
    assert ids == sorted(survey.labelled + survey.test)
    assert table["labelled"].to_pylist() == [image_id in survey.labelled for image_id in ids]
    for image_id, labelled, image_HW, mask_HW, mask, position in zip(
        ids,
        table["labelled"].to_pylist(),
        array_to_pixels(table["image"]),
        array_to_pixels(table["mask"]),
        table["mask"].to_pylist(),
        table["position"].to_pylist(),
        strict=True,
    ):
        path = survey.path("train/images" if labelled else "test/images", image_id)
        assert (image_HW == np.asarray(Image.open(path))[..., 0]).all()
        assert (position is None) == labelled
        assert (mask is None) != labelled
        if labelled:
            assert (mask_HW == decode(survey.runs[image_id])).all()
        else:
            assert survey.test[position] == image_id
    assert metadata == {"data_hash": facts["data_hash"], "source": "survey", "dropped": "{}", "synthetic": "true"}
    assert (facts["labelled"], facts["test"]) == ("20", "10")
    assert all(isinstance(fact, str) for fact in facts.values())


def test_every_form_of_the_archive_has_the_same_hash(survey: Any, tmp_path: Path) -> None:
    shutil.copytree(survey.folder, tmp_path / "deep/competition/survey")
    kaggle_unpacked_once = tmp_path / "half"
    kaggle_unpacked_once.mkdir()
    with zipfile.ZipFile(pack_nested(survey.folder, tmp_path / "nested.zip")) as archive:
        archive.extractall(kaggle_unpacked_once)
    forms = [
        survey.folder,
        tmp_path / "deep",
        kaggle_unpacked_once,
        tmp_path / "nested.zip",
        pack_nested(survey.folder, tmp_path / "deflated.zip", zipfile.ZIP_DEFLATED),
        pack(survey.folder, tmp_path / "flat.zip"),
        pack(survey.folder, tmp_path / "topped.zip", "tgs/", zipfile.ZIP_DEFLATED),
    ]
    hashes = {ingest(str(data), {}, str(tmp_path / "dataset.parquet"))["data_hash"] for data in forms}
    assert len(hashes) == 1
    assert len(hashes.pop()) == 16


@pytest.mark.parametrize("what", ["depth", "pixel", "mask", "id"])
def test_other_data_has_another_hash(survey: Any, tmp_path: Path, what: Any) -> None:
    before = ingest(str(survey.folder), {}, str(tmp_path / "dataset.parquet"))["data_hash"]
    image_id = survey.salty
    if what == "depth":
        path = survey.folder / "depths.csv"
        path.write_text(path.read_text()[:-2] + "\n")
    elif what == "pixel":
        path = survey.path("test/images", survey.test[0])
        pixels = np.asarray(Image.open(path)).copy()
        pixels[7, 7] ^= 1
        Image.fromarray(pixels).save(path)
    elif what == "mask":
        survey.edit("train.csv", survey.runs[image_id], "1 1")
        mask_HW = np.zeros((101, 101), np.uint8)
        mask_HW[0, 0] = 255
        Image.fromarray(mask_HW).save(survey.path("train/masks", image_id))
    else:
        for table in ("train.csv", "depths.csv"):
            survey.edit(table, image_id, "zzz")
        for part in ("train/images", "train/masks"):
            survey.path(part, image_id).rename(survey.path(part, "zzz"))
    assert ingest(str(survey.folder), {}, str(tmp_path / "dataset.parquet"))["data_hash"] != before


def with_bad_images(survey: Any) -> dict[str, str]:
    """Damages five images in different ways; returns the problem of each by its id."""
    no_mask, no_image, uneven, small = [image_id for image_id in survey.labelled if image_id != survey.salty][:4]
    survey.path("train/masks", no_mask).unlink()
    survey.path("train/images", no_image).unlink()
    pixels = np.zeros((101, 101, 3), np.uint8)
    pixels[3, 3, 1] = 9
    Image.fromarray(pixels).save(survey.path("train/images", uneven))
    Image.new("RGB", (64, 64)).save(survey.path("test/images", survey.test[0]))
    survey.path("train/images", small).write_bytes(b"")
    return {
        no_mask: "image without a mask",
        no_image: "there is no image of this id",
        uneven: "channels differ",
        small: "is no PNG",
        survey.test[0]: "wrong size",
    }


def test_all_problems_are_reported_together_and_nothing_is_written(survey: Any, tmp_path: Path) -> None:
    bad = with_bad_images(survey)
    with pytest.raises(SaltErrors) as caught:
        ingest(str(survey.folder), {}, str(tmp_path / "out/dataset.parquet"))
    text = str(caught.value)
    assert text.startswith(f"{survey.folder}: 5 problems found\n")
    for image_id, reason in bad.items():
        assert any(image_id in line and reason in line for line in text.splitlines()), reason
    assert not (tmp_path / "out").exists()


def test_bad_images_are_dropped_and_recorded(survey: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad = with_bad_images(survey)
    facts = ingest(str(survey.folder), DROP, str(tmp_path / "dataset.parquet"))
    table, metadata = read_table(tmp_path / "dataset.parquet", DATASET)
    assert set(table["id"].to_pylist()) == set(survey.labelled + survey.test) - set(bad)
    assert (facts["labelled"], facts["test"]) == ("16", "9")
    dropped = json.loads(metadata["dropped"])
    assert facts["dropped"] == str(len(bad))
    assert dropped.keys() == bad.keys()
    assert all(reason in dropped[image_id] for image_id, reason in bad.items())
    assert "5 images dropped" in caplog.text


def test_dropping_images_does_not_fix_a_table(survey: Any, tmp_path: Path) -> None:
    with_bad_images(survey)
    survey.edit("depths.csv", "id,z", "id;z")
    with pytest.raises(SaltErrors, match=r"depths\.csv: columns are separated by semicolons"):
        ingest(str(survey.folder), DROP, str(tmp_path / "dataset.parquet"))


def test_pictures_and_masks_alone_are_enough(survey: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for table in ("train.csv", "depths.csv", "sample_submission.csv"):
        (survey.folder / table).unlink()
    ingest(str(survey.folder), {}, str(tmp_path / "dataset.parquet"))
    table, _ = read_table(tmp_path / "dataset.parquet", DATASET)
    assert (len(table), table["mask"].null_count) == (30, 10)
    assert table["depth"].null_count == table["position"].null_count == 30
    for message in (
        "not in the archive: train.csv: the masks alone say where salt is",
        "not in the archive: depths.csv: depths are unknown",
        "not in the archive: sample_submission.csv: the submission is sorted by id",
    ):
        assert message in caplog.text
    assert sorted(read_test_ids(str(survey.folder))) == survey.test

    for image_id in survey.test:
        survey.path("test/images", image_id).unlink()
    facts = ingest(str(survey.folder), {}, str(tmp_path / "dataset.parquet"))
    assert (facts["labelled"], facts["test"]) == ("20", "0")
    assert "sample_submission.csv, test/images: there is no test image, and the submission will be empty" in caplog.text


def test_dropping_every_test_image_is_an_error(survey: Any, tmp_path: Path) -> None:
    (survey.folder / "sample_submission.csv").unlink()
    for image_id in survey.test:
        survey.path("test/images", image_id).write_bytes(b"no PNG")
    with pytest.raises(SaltErrors, match="no labelled or no test image remains"):
        ingest(str(survey.folder), DROP, str(tmp_path / "dataset.parquet"))


def test_dropping_everything_is_an_error(survey: Any, tmp_path: Path) -> None:
    for image_id in survey.labelled:
        survey.path("train/masks", image_id).write_bytes(b"no PNG")
    with pytest.raises(SaltErrors, match="no labelled or no test image remains"):
        ingest(str(survey.folder), DROP, str(tmp_path / "dataset.parquet"))


@pytest.mark.parametrize(
    ("salt", "warning"), [(0, "no labelled image holds any salt"), (1, "every labelled image holds salt")]
)
def test_no_salt_and_only_salt_pass_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, salt: Any, warning: Any
) -> None:
    rng = np.random.default_rng(0)
    tiles = [
        Tile(f"{number:010x}", rng.integers(0, 256, (101, 101), np.uint8), np.full((101, 101), salt, np.uint8), 100)
        for number in range(6)
    ]
    write_tiles(str(tmp_path / "survey.zip"), tiles[:4], tiles[4:])
    facts = ingest(str(tmp_path / "survey.zip"), {}, str(tmp_path / "dataset.parquet"))
    assert facts["empty_masks"] == ("0" if salt else "4")
    assert warning in caplog.text


def test_unknown_configuration_is_refused(survey: Any, tmp_path: Path) -> None:
    with pytest.raises(SaltErrors, match=r"data\.on_bed"):
        ingest(str(survey.folder), {"data": {"on_bed": "drop"}}, str(tmp_path / "dataset.parquet"))


def run_limited(data: Path, dataset: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """Runs the stage in a process that can write no file longer than `limit` bytes."""
    code = (
        "import resource, sys\n"
        "from salt_pipeline.components.core.errors import exit_on_error\n"
        "from salt_pipeline.components.ingest.stage import ingest\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)\n"
        "with exit_on_error():\n"
        "    ingest(sys.argv[1], {}, sys.argv[2])\n"
    )
    command = [sys.executable, "-c", code, str(data), str(dataset), str(limit)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_full_disk_leaves_no_file(survey: Any, tmp_path: Path) -> None:
    out = tmp_path / "out/dataset.parquet"
    done = run_limited(survey.folder, out, 50_000)
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert str(out) in done.stderr
    assert "cannot be written" in done.stderr
    assert list(out.parent.iterdir()) == []


def test_a_full_disk_keeps_the_old_file(survey: Any, tmp_path: Path) -> None:
    out = tmp_path / "dataset.parquet"
    ingest(str(survey.folder), {}, str(out))
    before = out.read_bytes()
    assert run_limited(survey.folder, out, 50_000).returncode
    assert out.read_bytes() == before


def test_an_output_that_cannot_be_written_is_an_error(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises((SaltError, OSError)):
        ingest(str(survey.folder), {}, str(tmp_path / "file/dataset.parquet"))
    assert (tmp_path / "file").read_text() == "precious"
