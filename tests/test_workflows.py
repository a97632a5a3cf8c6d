"""The workflows of GitHub fit the project: images of all stages, least permissions, a version for every action."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from salt_pipeline.components.core.stages import STAGES, task_name

FOLDER = Path(__file__).parents[1] / ".github/workflows"


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return document


def test_every_stage_has_its_image() -> None:
    job = read("images.yaml")["jobs"]["image"]
    assert sorted(job["strategy"]["matrix"]["stage"]) == sorted(map(task_name, STAGES))
    (build,) = [step["with"] for step in job["steps"] if "build-push" in step.get("uses", "")]
    targets = re.findall(r" AS ([a-z-]+)$", (FOLDER.parents[1] / build["file"]).read_text(), flags=re.MULTILINE)
    assert set(job["strategy"]["matrix"]["stage"]) < set(targets)
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert build["sbom"] is True


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_workflow_gives_no_more_permissions_than_a_job_needs(name: str) -> None:
    document = read(name)
    assert document["permissions"] == {"contents": "read"}
    for job in document["jobs"].values():
        if "uses" in job:
            continue
        assert job["timeout-minutes"] <= 120
        assert set(job.get("permissions", {})) <= {"contents", "packages", "id-token"}
        for step in job["steps"]:
            assert re.search(r"@(v\d+|release/v\d+)$", step.get("uses", "@v0")), step
            assert "${{" not in step.get("run", ""), f"a value that is put into a script can end it: {step}"
