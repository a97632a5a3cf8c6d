"""The MLflow runs that a run on a cluster leaves open, closed by the commands, against an MLflow on SQLite."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.argo import workflow
from tests.pipelines.command import salt
from tests.pipelines.kfp_server import KfpServer

RUN = "3f2a90c4-0000-4000-8000-000000000001"
SMOKE = preset_config("smoke").model_dump(mode="json")
SECOND, FIRST = (encoder["name"] for encoder in SMOKE["encoders"])
"""The loop begins with the last-named encoder."""

PARAMETERS = {"config": SMOKE, "run": "first-1a2b3c"}
ENDED = int(1000 * datetime(2026, 1, 2, 3, 5, 6, tzinfo=UTC).timestamp())
"""When each task of the stand-in's workflows ended."""


@pytest.fixture
def tracked(tmp_path: Path, no_cluster: None, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path) -> Any:
    """The active runs in MLflow of a pipeline and three jobs, whose pods did not report an end, by name."""
    shutil.copy(empty_mlflow, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    tracking = Tracking("first-1a2b3c")
    for encoder, fold in ((FIRST, 0), (FIRST, 1), (SECOND, 0)):
        tracking.job(encoder, fold)
    client = MlflowClient()

    def runs() -> Any:
        (experiment,) = client.search_experiments(filter_string="name = 'salt'")
        found = client.search_runs([experiment.experiment_id])
        return {run.info.run_name: run.info for run in found}

    return runs


def statuses(runs: Any) -> Any:
    return {name: info.status for name, info in runs().items()}


def failed_run(kfp: KfpServer, state: Any = "FAILED", **fields: Any) -> None:
    kfp.add_run("first", state, RUN, PARAMETERS, **fields)
    kfp.workflows[RUN] = workflow(
        {("ingest", None): ["Succeeded"], ("train-fold", 0): ["Failed", "Succeeded"], ("train-fold", 1): ["Failed"]}
    )


@pytest.mark.parametrize("command", ["watch", "resume", "runs"])
def test_a_failed_run_gets_the_state_of_each_job_from_its_workflow(tracked: Any, kfp: KfpServer, command: str) -> None:
    failed_run(kfp)
    salt("runs") if command == "runs" else salt(command, RUN)
    assert statuses(tracked) == {
        "first-1a2b3c": "FAILED",
        job_title(FIRST, 0): "FINISHED",
        job_title(FIRST, 1): "FAILED",
        job_title(SECOND, 0): "FAILED",
    }
    assert tracked()[job_title(FIRST, 0)].end_time == ENDED
    before = tracked()
    salt("runs")
    assert {name: info.end_time for name, info in tracked().items()} == {
        name: info.end_time for name, info in before.items()
    }


def test_the_runs_of_a_stopped_run_are_killed(tracked: Any, kfp: KfpServer) -> None:
    failed_run(kfp, "RUNNING")
    code, _, _ = salt("cancel", RUN)
    assert code == 0
    assert statuses(tracked) == {
        "first-1a2b3c": "KILLED",
        job_title(FIRST, 0): "FINISHED",
        job_title(FIRST, 1): "KILLED",
        job_title(SECOND, 0): "KILLED",
    }


def test_a_stopped_run_ends_as_failed_and_counts_as_killed(tracked: Any, kfp: KfpServer) -> None:
    failed_run(kfp, state_history=[{"state": "RUNNING"}, {"state": "CANCELING"}, {"state": "FAILED"}])
    salt("watch", RUN)
    assert statuses(tracked)["first-1a2b3c"] == "KILLED"


@pytest.mark.parametrize("state", ["RUNNING", "PENDING"])
def test_nothing_is_closed_while_another_run_of_this_name_is_active(tracked: Any, kfp: KfpServer, state: str) -> None:
    failed_run(kfp)
    kfp.add_run("first", state, parameters=PARAMETERS, created="2026-01-03T03:04:05Z")
    salt("watch", RUN)
    salt("runs")
    assert set(statuses(tracked).values()) == {"RUNNING"}


def test_without_mlflow_the_command_works_as_before(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    failed_run(kfp)
    code, _, output = salt("watch", RUN)
    assert code == 1
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert salt("watch", RUN) == (1, "", output)


def test_a_light_installation_says_that_nothing_is_closed(
    tracked: Any, kfp: KfpServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed_run(kfp)
    with monkeypatch.context() as light:
        light.setitem(sys.modules, "mlflow", None)
        salt("watch", RUN)
    assert "not closed in MLflow: mlflow is not installed here" in caplog.text
    assert set(statuses(tracked).values()) == {"RUNNING"}
