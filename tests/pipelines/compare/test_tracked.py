from importlib.util import find_spec
from pathlib import Path

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.compare.tracked import MlflowRuns

pytestmark = pytest.mark.usefixtures("no_cluster")


def test_only_pipeline_runs_are_listed_newest_first(tracked: MlflowClient) -> None:
    found = MlflowRuns().newest()
    assert [(run.name, run.state, run.seconds) for run in found] == [
        ("second-4d5e6f", "RUNNING", None),
        ("first-1a2b3c", "FINISHED", 65.0),
    ]
    assert [run.metrics for run in found] == [{}, {"score": 0.81234}]
    assert found[0].began > found[1].began
    assert [run.name for run in MlflowRuns().newest(1)] == ["second-4d5e6f"]


def test_a_run_is_found_by_its_exact_name(tracked: MlflowClient) -> None:
    assert MlflowRuns().find("first-1a2b3c").tags["salt.run"] == "first-1a2b3c"
    for name in ("first", "' OR tags.`salt.run` != '"):
        with pytest.raises(SaltError, match="RUN: no such run: `salt runs` lists them"):
            MlflowRuns().find(name)


def test_a_run_on_a_cluster_is_found_by_what_salt_runs_shows(tracked: MlflowClient) -> None:
    ids = {"first-1a2b3c": "3f2a90c4-0000", "second-4d5e6f": "3f2a17aa-0000"}
    for run in MlflowRuns().newest():
        tracked.set_tag(run.run_id, "salt.kfp_run", ids[run.name])
    for text in ("first", "3f2a90c4", "3f2a9", "first-1a2b3c"):
        assert MlflowRuns().find(text).name == "first-1a2b3c"
    with pytest.raises(
        SaltError, match=r"RUN: names several runs \(found 3f2a, expected second-4d5e6f, first-1a2b3c\)"
    ):
        MlflowRuns().find("3f2a")
    for text in ("3f2", "firs", "", "first-"):
        with pytest.raises(SaltError, match="no such run"):
            MlflowRuns().find(text)


def test_a_file_of_a_run_is_downloaded_or_reported_as_missing(tracked: MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("{}")
    runs = MlflowRuns()
    run = runs.find("first-1a2b3c")
    tracked.log_artifact(run.run_id, str(tmp_path / "metrics.json"))
    (tmp_path / "scratch").mkdir()
    assert runs.file(run, "metrics.json", tmp_path / "scratch").read_text() == "{}"
    with pytest.raises(SaltError, match=r"first-1a2b3c: has no such file in MLflow.*\(found oof.parquet\)"):
        runs.file(run, "oof.parquet", tmp_path / "scratch")


def test_a_database_without_the_experiment_has_no_runs(tracked: MlflowClient) -> None:
    experiment = tracked.get_experiment_by_name("salt")
    assert experiment
    tracked.rename_experiment(experiment.experiment_id, "other")
    assert MlflowRuns().newest() == []


def test_without_a_database_or_a_server_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SaltError, match=r"mlflow.db: no runs are recorded here"):
        MlflowRuns(tmp_path / "runs")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    with pytest.raises(SaltError, match=r"mlflow.db: no runs are recorded here"):
        MlflowRuns(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(SaltError, match=r"http://127.0.0.1:9: cannot be reached: connection refused"):
        MlflowRuns(tmp_path / "runs").newest()


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("sqlite:////dev/null", "MLflow at /dev/null: is not an SQLite file"),
        ("mysql+none://user:word@host/x", r"MLflow at mysql\+none://\*\*\*@host/x: names a database or a driver"),
        ("databricks", "MLflow at databricks: needs the package databricks-sdk"),
    ],
)
def test_an_address_that_mlflow_cannot_use_is_named_as_such(
    address: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(SaltError, match=problem):
        MlflowRuns().newest()


@pytest.mark.skipif(find_spec("psycopg") is not None, reason="the driver is installed here")
def test_a_driver_that_is_not_installed_is_no_missing_part_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg://user:word@127.0.0.1:9/x")
    with pytest.raises(SaltError, match=r"MLflow at postgresql.*: its driver is not installed") as caught:
        MlflowRuns().newest()
    assert "word" not in str(caught.value)
