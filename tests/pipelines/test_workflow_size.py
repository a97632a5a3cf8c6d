"""The size of the workflow of a run: etcd refuses the retry of one above about 1.5 MB."""

from pathlib import Path

import pytest
import yaml

from salt_pipeline.pipelines.pipeline import compile_pipeline
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.workflow_size import estimate

ETCD = 1_572_864
"""Limit of etcd for a request, in bytes (the default of --max-request-bytes)."""

OF_A_JOB = {"encoder": "se_resnext101_32x4d", "fold": "3"}
METADATA = {
    "dataset": {
        "images": "3505 labelled (1367 empty, 64 black), 18000 test, 0 dropped",
        "data_hash": "0" * 16,
        "synthetic": "false",
    },
    "folds": {"content": "5 folds, 3326 groups, the largest of 9", "data_hash": "0" * 16},
    "model": {**OF_A_JOB, "config_hash": "0" * 16},
    **dict.fromkeys(("models", "oof", "oofs", "maps", "curves"), OF_A_JOB),
}
AFTER_THE_JOBS = ("ensemble", "submission", "report")


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Bytes of the workflow with ten jobs: after the jobs, and after the last stage."""
    path = tmp_path_factory.mktemp("size") / "salt.yaml"
    compile_pipeline(preset_config("seed"), Path(path))
    spec, platform = yaml.safe_load_all(path.read_text())
    complete = estimate(spec, platform, 10, METADATA)
    for name in AFTER_THE_JOBS:
        del spec["root"]["dag"]["tasks"][name]
    return {"jobs": estimate(spec, platform, 10, METADATA), "complete": complete}


def test_a_run_that_fails_in_its_jobs_can_be_retried(sizes: dict[str, int]) -> None:
    assert sizes["jobs"] < 0.95 * ETCD


def test_the_workflow_of_a_complete_run_stays_small(sizes: dict[str, int]) -> None:
    """A run that fails after its jobs is too large for a retry: `salt resume` starts it again, with the cache."""
    assert sizes["complete"] < 2_000_000
