from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Artifact, Dataset

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.schemas import DATASET, open_table
from salt_pipeline.components.ingest.component import ingest


def outputs(folder: Any) -> Any:
    dataset = Dataset(name="dataset", uri=str(folder / "dataset.parquet"), metadata={})
    return dataset, Artifact(name="config", uri=str(folder / "config"), metadata={})


def test_the_dataset_is_described_and_the_configuration_passed_on(survey: Any, tmp_path: Path) -> None:
    dataset, config = outputs(tmp_path)
    options = Config().model_dump(mode="json", exclude_none=True)
    ingest.python_func(str(survey.folder), "1", options, dataset, config)
    assert open_table(dataset.path, DATASET).metadata.num_rows == 30
    assert dataset.metadata["display_name"] == "dataset"
    assert dataset.metadata["images"] == "20 labelled (7 empty, 0 black), 10 test, 0 dropped"
    assert all(isinstance(value, str) for value in dataset.metadata.values())
    assert read_json(config.path) == options


def test_an_error_of_the_user_is_reported_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        ingest.python_func(str(tmp_path / "no.zip"), "1", {}, *outputs(tmp_path))
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert "no.zip: does not exist" in printed
    assert len(printed.splitlines()) == 1
