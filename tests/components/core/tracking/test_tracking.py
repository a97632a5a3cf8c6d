"""The runs of a pipeline and its jobs, and what the report adds to them, on a real MLflow server."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.components.report import mlflow_record as recording
from salt_pipeline.components.report.mlflow_record import record
from tests.components.core.tracking.work import HISTORY, HOUR_AGO, TIMED, Recorded, logged, work


def test_a_job_is_nested_in_its_pipeline(server: Recorded, tmp_path: Path) -> None:
    tracking = Tracking("first")
    parent = tracking.parent()
    job = work(tracking, tmp_path)
    tracking.close()
    (pipeline,), (nested,) = server.runs("pipeline"), server.runs("job")
    assert (pipeline.info.run_id, nested.info.run_id) == (parent.id, job.id)
    assert nested.data.tags["mlflow.parentRunId"] == parent.id
    assert nested.info.run_name == "f3 lite0"
    assert nested.info.status == "FINISHED"
    assert nested.data.params == {"seed": "1"}
    assert nested.data.metrics == {"score": 0.4, "loss": 0.25, "oof_score": 0.5}
    assert server.epochs(job.id) == [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)]
    assert [file.path for file in server.client.list_artifacts(job.id, "model")] == ["model/model.json"]


def test_runs_encoders_and_folds_have_runs_of_their_own(server: Recorded) -> None:
    jobs = [("a", "x", 0), ("a", "x", 1), ("a", "y", 0), ("b", "x", 0)]
    ids = {Tracking(run).job(encoder, fold).id for run, encoder, fold in jobs}
    assert len(ids) == len(server.runs("job")) == 4
    assert len(server.runs("pipeline")) == 2


def test_jobs_that_start_together_share_one_parent(server: Recorded) -> None:
    def begin(fold: int) -> tuple[str | None, str | None]:
        tracking = Tracking("first")
        return tracking.parent().id, tracking.job("lite0", fold % 2).id

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(begin, range(4)))
    assert len({parent for parent, _ in found}) == len(server.runs("pipeline")) == 1
    assert len({job for _, job in found}) == len(server.runs("job")) == 2


def test_a_stopped_run_is_marked_and_runs_again(server: Recorded) -> None:
    tracking = Tracking("first")
    done, stopped = tracking.job("lite0", 0), tracking.job("lite0", 1)
    done.end()
    ended = server.client.get_run(done.id).info.end_time
    tracking.end_all("KILLED")
    assert {run.info.status for run in server.runs("pipeline")} == {"KILLED"}
    assert server.client.get_run(stopped.id).info.status == "KILLED"
    again = Tracking("first")
    assert again.job("lite0", 1).id == stopped.id
    assert {run.info.status for run in server.runs("pipeline")} == {"RUNNING"}
    assert server.client.get_run(stopped.id).info.status == "RUNNING"
    again.job("lite0", 0).end()
    again.end_all("FINISHED")
    assert {run.info.status for run in server.runs()} == {"FINISHED"}
    assert server.client.get_run(done.id).info.end_time == ended


def test_duplicate_parents_are_merged(server: Recorded) -> None:
    tracking = Tracking("first")
    oldest = tracking.parent()
    second = server.client.create_run(tracking.experiment, tags={"salt.run": "first", "salt.kind": "pipeline"})
    stray = tracking.job("lite0", 0)
    server.client.set_tag(stray.id, "mlflow.parentRunId", second.info.run_id)
    other = Tracking("other").parent()
    tracking.unite()
    assert {run.info.run_id for run in server.runs("pipeline")} == {oldest.id, other.id}
    assert server.client.get_run(stray.id).data.tags["mlflow.parentRunId"] == oldest.id


@pytest.mark.parametrize(("run", "uri"), [("first", None), ("", "http://127.0.0.1:9")])
def test_nothing_is_recorded_without_a_server_or_a_run_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, run: str, uri: str | None
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracking = Tracking(run)
    assert work(tracking, tmp_path).id is None
    tracking.end_all("FINISHED")
    tracking.close()
    assert not caplog.records


def test_the_report_adds_epochs_and_jobs_that_are_missing(server: Recorded, tmp_path: Path) -> None:
    Tracking("first").job("lite0", 0).epochs(HISTORY[:3])
    curves = []
    for fold in (0, 1):
        curve = {
            "encoder": "lite0",
            "fold": fold,
            "data_hash": "d",
            "config_hash": "c",
            "seconds": 2.5,
            "device": ["cpu", "NVIDIA H100"][fold],
        }
        curves.append(str(tmp_path / f"{fold}.json"))
        (tmp_path / f"{fold}.json").write_text(json.dumps({**curve, "epochs": HISTORY}))
    (tmp_path / "x7").write_text("# card")
    scores = {"score": 0.8, "score_low": 0.75, "score_high": 0.85}
    for _ in range(2):
        origin = {"preset": "quick", "images": "", "kfp_ui": "http://ui", "kfp_run": "3f2a", "git_revision": "5a5a+"}
        facts = record("first", {}, curves, scores, {"report.md": str(tmp_path / "x7")}, origin)
    jobs, (pipeline,) = server.runs("job"), server.runs("pipeline")
    assert sorted(run.data.tags["salt.fold"] for run in jobs) == ["0", "1"]
    assert all([step for step, _ in server.epochs(run.info.run_id)] == [1, 2, 3, 4] for run in jobs)
    assert {run.info.status for run in [*jobs, pipeline]} == {"FINISHED"}
    assert facts == {"mlflow_run_id": pipeline.info.run_id}
    assert pipeline.data.metrics == {**scores, "training_seconds": 5, "gpu_hours": 2.5 / 3600}
    assert pipeline.data.tags["salt.preset"] == "quick"
    assert pipeline.data.tags["salt.kfp_link"] == "http://ui/#/runs/details/3f2a"
    assert pipeline.data.tags["mlflow.source.git.commit"] == "5a5a"
    assert not {"salt.images", "salt.kfp_ui"} & pipeline.data.tags.keys()
    assert pipeline.data.params["train.epochs"] == "120"
    assert pipeline.data.tags[NOTE] == "**0.8000** out of fold, 95 % interval 0.7500 to 0.8500\n\n# card"
    assert pipeline.data.tags["mlflow.source.name"] == "salt run"
    assert all([used.dataset.digest for used in run.inputs.dataset_inputs] == ["d"] for run in [*jobs, pipeline])
    assert [file.path for file in server.client.list_artifacts(pipeline.info.run_id)] == ["config.json", "report.md"]


def test_the_report_does_not_need_a_server(nowhere: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PATIENCE", 0)
    curve = tmp_path / "curve.json"
    facts = {
        "encoder": "lite0",
        "fold": 0,
        "data_hash": "d",
        "config_hash": "c",
        "seconds": 1,
        "device": "cpu",
        "epochs": HISTORY,
    }
    curve.write_text(json.dumps(facts))
    assert record("first", {}, [str(curve)], {"score": 1}, {"c.json": str(curve)}) == {"mlflow_run_id": ""}


@pytest.mark.parametrize("seen", [True, False], ids=["unreachable at the end", "unreachable throughout"])
def test_the_report_records_jobs_whose_server_was_unreachable(
    server: Recorded, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    if seen:
        Tracking("first").job("lite0", 3)
    with monkeypatch.context() as unreachable:
        unreachable.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        tracking = Tracking("first")
        work(tracking, tmp_path)
        tracking.close(patience=0)
    assert logged(caplog)[-1] == "not recorded in MLflow"
    assert [run.info.status for run in server.runs("job")] == ["RUNNING"] * seen
    curve = {
        "encoder": "lite0",
        "fold": 3,
        "data_hash": "d",
        "config_hash": "c",
        "seconds": 2.5,
        "device": "cpu",
        "ended": HOUR_AGO + 9,
        "oof_score": 0.5,
        "oof_salt_accuracy": 0.75,
    }
    epochs = [{**epoch, "seconds": 0.5} for epoch in TIMED]
    (tmp_path / "curve.json").write_text(json.dumps({**curve, "epochs": epochs}))
    for _ in range(2):
        record("first", {}, [str(tmp_path / "curve.json")], {"score": 0.8}, {})
    assert {run.info.status for run in server.runs()} == {"FINISHED"}
    (job,) = server.runs("job")
    assert job.info.end_time == int(1000 * (HOUR_AGO + 9))
    assert (job.info.start_time == int(1000 * (HOUR_AGO + 0.5))) != seen
    scores = {"oof_score": 0.5, "oof_salt_accuracy": 0.75}
    assert job.data.metrics == {"score": 0.4, "loss": 0.25, "seconds": 0.5, **scores}
    params = {"encoder": "lite0", "fold": "3", "data_hash": "d", "config_hash": "c", "train.epochs": "120"}
    assert params.items() <= job.data.params.items()
    assert job.data.tags["salt.missing_files"] == "curve.png, model"
    for name, times in (("score", [epoch["ended"] for epoch in TIMED]), ("oof_score", [HOUR_AGO + 9])):
        points = server.client.get_metric_history(job.info.run_id, name)
        assert [point.timestamp for point in points] == [int(1000 * at) for at in times]
