import pytest
from kfp.dsl import Dataset

from components.core.schemas import DATASET, open_table
from components.ingest.component import ingest


def test_describes_the_dataset(survey, tmp_path):
    dataset = Dataset(name="dataset", uri=str(tmp_path / "dataset.parquet"), metadata={})
    dataset.path = str(tmp_path / "dataset.parquet")
    ingest.python_func(str(survey.folder), "1", {}, dataset)
    assert open_table(dataset.path, DATASET).metadata.num_rows == 30
    assert dataset.metadata["display_name"] == "ingest/dataset.parquet"
    assert dataset.metadata["labelled"] == "20"
    assert all(isinstance(value, str) for value in dataset.metadata.values())


def test_a_mistake_ends_without_a_traceback(tmp_path, capsys):
    dataset = Dataset(name="dataset", uri=str(tmp_path / "dataset.parquet"), metadata={})
    with pytest.raises(SystemExit) as ended:
        ingest.python_func(str(tmp_path / "no.zip"), "1", {}, dataset)
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert "no.zip: is not there" in printed
    assert len(printed.splitlines()) == 1
