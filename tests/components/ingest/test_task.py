"""The stage's task: what its outputs say of an archive with bad images, and how such an archive ends it."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Artifact, Dataset

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.schemas import DATASET, open_table, table_metadata
from salt_pipeline.components.ingest.component import ingest
from tests.components.ingest.conftest import Files

DROP = {"data": {"on_bad": "drop"}}


def arguments(survey: Files, folder: Path, options: dict[str, Any], version: str = "1") -> dict[str, Any]:
    return {
        "data": str(survey.folder),
        "data_version": version,
        "options": options,
        "dataset": Dataset(uri=str(folder / "dataset")),
        "config": Artifact(uri=str(folder / "config")),
    }


def test_images_that_are_dropped_are_counted_and_their_names_stay_in_the_file(survey: Files, tmp_path: Path) -> None:
    bad = survey.salty
    survey.path("train/images", bad).write_bytes(b"no PNG")
    given = arguments(survey, tmp_path / "out", DROP)
    ingest.python_func(**given)
    facts = table_metadata(open_table(given["dataset"].path, DATASET))
    metadata = given["dataset"].metadata
    assert json.loads(facts["dropped"]).keys() == {bad}
    assert metadata["images"] == "19 labelled (7 empty, 0 black), 10 test, 1 dropped"
    assert (metadata["data_hash"], metadata["synthetic"]) == (facts["data_hash"], "true")
    assert metadata.keys() == {"display_name", "images", "data_hash", "synthetic", "stage_seconds", "cpu_seconds"}


def test_the_options_are_passed_on_as_they_were_given(survey: Files, tmp_path: Path) -> None:
    given = arguments(survey, tmp_path / "out", DROP)
    ingest.python_func(**given)
    assert read_json(given["config"].path) == DROP
    assert given["config"].metadata["display_name"] == "config"


def test_the_version_of_the_archive_is_for_kubeflows_cache_alone(survey: Files, tmp_path: Path) -> None:
    files = []
    for version in ("1", "2"):
        given = arguments(survey, tmp_path / version, {}, version)
        ingest.python_func(**given)
        files.append(Path(given["dataset"].path).read_bytes())
    assert files[0] == files[1]


def test_all_problems_of_an_archive_are_listed_without_a_traceback(
    survey: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = [image_id for image_id in survey.labelled if image_id != survey.salty][:2]
    survey.path("train/masks", first).unlink()
    survey.path("train/images", second).write_bytes(b"no PNG")
    given = arguments(survey, tmp_path / "out", {})
    with pytest.raises(SystemExit) as ended:
        ingest.python_func(**given)
    assert ended.value.code == 2
    summary, *problems = capsys.readouterr().err.splitlines()
    assert summary == f"{MARK}{survey.folder}: 2 problems found"
    assert len(problems) == 2
    for image_id in (first, second):
        assert any(line.startswith("  - ") and image_id in line for line in problems)
    assert given["dataset"].metadata == given["config"].metadata == {}
    assert not (tmp_path / "out").exists()
