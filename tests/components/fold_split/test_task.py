"""The stage's task: the jobs that it hands to the loop, how its folds are described, and how an error ends it."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Dataset

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.schemas import DATASET, FOLDS, open_table, read_table, table_metadata
from salt_pipeline.components.fold_split.component import fold_split
from tests.artifacts import config_artifact
from tests.components.fold_split.sections import blocks, cut_section, write_dataset

ENCODERS = [{"name": "a", "weight": 0.4}, {"name": "b", "weight": 0.6}]


def arguments(folder: Path, folds: int) -> dict[str, Any]:
    """The arguments of the component for 12 labelled images, each of a group of its own."""
    source = write_dataset(folder / "d.parquet", cut_section(0, 3, 4), blocks([0] * 6 + [3000] * 6), unlabelled=2)
    document = {"split": {"folds": folds, "group_touching": False}, "encoders": ENCODERS}
    return {
        "dataset": Dataset(uri=source),
        "config": config_artifact(folder, document),
        "folds": Dataset(uri=str(folder / "out" / "folds")),
    }


def test_the_jobs_are_plain_values_in_the_order_of_the_loop(tmp_path: Path) -> None:
    jobs = fold_split.python_func(**arguments(tmp_path, 2))
    assert jobs == [{"encoder": encoder, "fold": fold} for encoder in "ba" for fold in (0, 1)]
    assert json.loads(json.dumps(jobs)) == jobs


def test_the_folds_are_described_by_their_content_and_data(tmp_path: Path) -> None:
    given = arguments(tmp_path, 2)
    fold_split.python_func(**given)
    table, facts = read_table(given["folds"].path, FOLDS)
    metadata = given["folds"].metadata
    data_hash = table_metadata(open_table(given["dataset"].path, DATASET))["data_hash"]
    assert len(table) == 12
    assert metadata["display_name"] == "folds"
    assert metadata["content"] == "2 folds, 12 groups, the largest of 1"
    assert metadata["data_hash"] == facts["data_hash"] == data_hash
    assert metadata.keys() == {"display_name", "content", "data_hash", "stage_seconds", "cpu_seconds"}
    assert all(isinstance(value, str) for value in metadata.values())


def test_an_error_of_the_user_is_one_line_and_no_output_is_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments(tmp_path, 20)
    with pytest.raises(SystemExit) as ended:
        fold_split.python_func(**given)
    assert ended.value.code == 2
    problem = "split.folds: fewer labelled images than folds (found 12 images for 20 folds)"
    assert capsys.readouterr().err == f"{MARK}{given['dataset'].path}: {problem}\n"
    assert given["folds"].metadata == {}
    assert not Path(given["folds"].path).exists()
