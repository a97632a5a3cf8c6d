import json
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.executor_output import read_artifacts


def read(folder: Path, content: object) -> dict[str, list[tuple[str, str, str, float]]]:
    path = folder / "executor_output.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return {
        name: [(one.uri, one.metadata.encoder, one.metadata.fold, one.metadata.stage_seconds) for one in artifacts]
        for name, artifacts in read_artifacts(path).items()
    }


def listed(**metadata: object) -> dict[str, object]:
    return {"artifacts": {"model": {"artifacts": [{"name": "m", "uri": "/a/model", "metadata": metadata}]}}}


def test_a_stage_s_notes_are_read_from_their_text(tmp_path: Path) -> None:
    noted = listed(encoder="resnet34", fold="3", stage_seconds="36.4", score=0.5, rows=[{"row": [1]}])
    assert read(tmp_path, noted) == {"model": [("/a/model", "resnet34", "3", 36.4)]}
    assert read(tmp_path, listed()) == {"model": [("/a/model", "", "", 0)]}


@pytest.mark.parametrize("text", ["", '{"artifacts": {', "{}", '{"artifacts": {}}', '{"parameterValues": {}}'])
def test_an_incomplete_file_lists_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([], "Input should be a JSON object"),
        ({"artifacts": []}, "artifacts: Input should be a JSON object"),
        ({"artifacts": {"model": []}}, "artifacts.model: Input should be a JSON object"),
        ({"artifacts": {"model": {"artifacts": {}}}}, "artifacts.model.artifacts: Input should be a list"),
        ({"artifacts": {"model": {"artifacts": [{}]}}}, "artifacts.model.artifacts.0.uri: Field required"),
        (listed(encoder="../../x"), "artifacts.model.artifacts.0.metadata.encoder"),
        (listed(fold="one"), "artifacts.model.artifacts.0.metadata.fold"),
        (listed(stage_seconds="long"), "artifacts.model.artifacts.0.metadata.stage_seconds"),
        (listed(stage_seconds="nan"), "artifacts.model.artifacts.0.metadata.stage_seconds"),
    ],
)
def test_a_file_of_another_shape_is_named_with_its_field(tmp_path: Path, content: object, problem: str) -> None:
    with pytest.raises(SaltError, match=r"executor_output\.json") as error:
        read(tmp_path, content)
    assert problem in str(error.value)
