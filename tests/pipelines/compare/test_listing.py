from pathlib import Path

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.compare.listing import list_runs
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer

pytestmark = pytest.mark.usefixtures("no_cluster")


def test_local_runs_are_listed_with_their_scores(tracked: MlflowClient) -> None:
    code, out, said = salt("runs")
    assert code == 0
    lines = [line.split() for line in out.splitlines()[1:]]
    assert [(line[0], line[2], line[3]) for line in lines] == [
        ("second-4d5e6f", "local", "RUNNING"),
        ("first-1a2b3c", "local", "FINISHED"),
    ]
    assert lines[1][4] == "0.8123"
    assert lines[1][-1] == "0:01:05"
    assert "skipped: Kubeflow Pipelines at" in said


def test_a_cluster_run_is_listed_once_with_its_score_from_mlflow(tracked: MlflowClient, kfp: KfpServer) -> None:
    kfp.add_run("on-cluster", "SUCCEEDED", created="2026-01-01T00:00:00Z")
    (run,) = kfp.runs.values()
    run["runtime_config"]["parameters"]["run"] = "first-1a2b3c"
    _, out, _ = salt("runs")
    lines = [line.split() for line in out.splitlines()[1:]]
    assert [(line[1], line[2]) for line in lines] == [("on-cluster", "cluster"), ("second-4d5e6f", "local")]
    assert lines[0][4] == "0.8123"


def test_a_run_whose_cluster_is_not_reached_is_no_local_one(tracked: MlflowClient) -> None:
    experiment = tracked.get_experiment_by_name("salt")
    assert experiment
    (run,) = tracked.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
    tracked.set_tag(run.info.run_id, "salt.kfp_run", "3f2a")
    _, out, _ = salt("runs")
    assert [line.split()[2] for line in out.splitlines()[1:]] == ["local", "cluster"]


def test_a_scheduled_run_is_found_in_mlflow_by_the_name_of_its_workflow(tracked: MlflowClient, kfp: KfpServer) -> None:
    kfp.add_run("first-1a2b3c", "SUCCEEDED", parameters={"run": "weekly"}, recurring_run_id="7c1e2b40")
    _, out, _ = salt("runs")
    assert [line.split()[4] for line in out.splitlines() if "cluster" in line] == ["0.8123"]


def test_without_a_cluster_or_local_runs_there_is_an_error() -> None:
    assert "cannot be reached" in fails("runs")


def test_without_an_address_of_a_cluster_only_local_runs_are_spoken_of(
    tracked: MlflowClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kfp = Kfp(ClusterSettings.model_construct(_fields_set=set(), kfp_url="http://127.0.0.1:9"))
    runs, problems = list_runs(kfp, 5)
    assert {run.place for run in runs} == {"local"}
    assert [str(problem).split(":")[0] for problem in problems] == ["SALT_KFP_URL"]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(SaltError, match="no runs are recorded here"):
        list_runs(kfp, 5)
