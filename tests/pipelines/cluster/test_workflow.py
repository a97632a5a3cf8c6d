"""An Argo workflow whose fields are not those of its API."""

import json
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.tasks import read_tasks, read_trouble
from salt_pipeline.pipelines.cluster.workflow import checked_workflow, read_workflow
from tests.pipelines.argo import workflow

RUN = "3f2a90c4-0000-4000-8000-000000000001"


def changed(**changes: Any) -> dict[str, Any]:
    """A workflow whose nodes have other entries; None removes one."""
    found = workflow({("ingest", None): ["Pending"]}, RUN)
    for node in found["status"]["nodes"].values():
        node.update(changes)
        for key in [key for key, value in changes.items() if value is None]:
            del node[key]
    return found


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": None}, "id"),
        ({"id": 7}, "id"),
        ({"inputs": {"parameters": [None]}}, "inputs.parameters.0"),
        ({"outputs": {"artifacts": [None]}}, "outputs.artifacts.0"),
        ({"outputs": {"artifacts": [{"s3": "x"}]}}, "outputs.artifacts.0.s3"),
        ({"startedAt": "yesterday"}, "startedAt"),
    ],
)
def test_a_field_of_another_type_is_named(changes: dict[str, Any], field: str) -> None:
    damaged = changed(**changes)
    with pytest.raises(SaltError, match=rf"workflow is not valid\n  - status\.nodes\..*\.{field}: "):
        read_workflow(json.dumps(damaged))
    with pytest.raises(SaltError):
        checked_workflow(damaged)


@pytest.mark.parametrize("changes", [{"startedAt": 1_700_000_000}, {"displayName": None, "message": "is stuck"}])
def test_what_is_checked_can_be_read(changes: dict[str, Any]) -> None:
    found = checked_workflow(changed(**changes))
    (task,) = read_tasks(found)
    assert task.stage == "ingest"
    read_trouble(found)
