"""The report records the scores, and jobs that could not record themselves, on a real MLflow server."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.tracking import tracking
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.components.report import mlflow_record
from salt_pipeline.components.report.mlflow_record import record
from salt_pipeline.components.train_fold.stage import train
from tests.components.core.tracking.work import HOUR_AGO, TIMED, Recorded, logged, work
from tests.components.network.tiny import ENCODER, HASH, document, write_survey

CONFIG = document(train={"epochs": 2, "phase1_epochs": 1})

EPOCHS = [{**epoch, "seconds": 0.5} for epoch in TIMED]

ENDED = {"ended": HOUR_AGO + 9, "oof_score": 0.5, "oof_salt_accuracy": 0.75}
"""What the learning curve of a finished training also says."""


def train_job(folder: Path, run: str) -> str:
    """Trains fold 1; returns the path of its learning curve."""
    dataset, folds = write_survey(folder)
    out = {name: str(folder / run / name) for name in ("model", "oof", "curve")}
    train(dataset, folds, ENCODER, 1, CONFIG, run=run, checkpoints=str(folder / "checkpoints"), **out)
    return out["curve"]


def test_the_report_records_a_job_as_the_job_itself_does(
    tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(empty_mlflow, tmp_path)
    here = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tracking, "JOB_PATIENCE", 0)
    curves = {}
    for run, address in (("present", here), ("absent", "http://127.0.0.1:9")):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        curves[run] = train_job(tmp_path, run)  # the second one resumes from the first one's checkpoint
    monkeypatch.setenv("MLFLOW_TRACKING_URI", here)
    for run, curve in curves.items():
        record(run, CONFIG, [curve], {"score": 0.5}, {})
    client = MlflowClient(here)

    def job(run: str) -> Any:
        (experiment,) = client.search_experiments(filter_string="name = 'salt'")
        condition = f"tags.`salt.kind` = 'job' and tags.`salt.run` = '{run}'"
        (found,) = client.search_runs([experiment.experiment_id], condition)
        return found

    present, absent = job("present"), job("absent")
    own = {name: value for name, value in present.data.metrics.items() if not name.startswith("system/")}
    assert own == absent.data.metrics
    assert {"score", "loss", "seconds", "oof_score", "oof_salt_accuracy"} <= own.keys()
    assert present.data.params == absent.data.params
    assert present.info.status == absent.info.status == "FINISHED"
    assert [item.dataset.digest for item in absent.inputs.dataset_inputs] == [HASH]
    for name in own:
        at = [
            [(p.step, p.value, p.timestamp) for p in client.get_metric_history(found.info.run_id, name)]
            for found in (present, absent)
        ]
        assert len(at[0]) == len(at[1]) == (1 if name.startswith("oof_") else 2)
        assert name.startswith("oof_") or at[0] == at[1]
    assert "salt.missing_files" not in present.data.tags
    assert absent.data.tags["salt.missing_files"] == "curve.png, model"


def test_the_report_adds_epochs_and_jobs_that_are_missing(server: Recorded, tmp_path: Path) -> None:
    Tracking("first").job("lite0", 0).epochs(EPOCHS[:3])
    curves = []
    for fold in (0, 1):
        curve = {
            "encoder": "lite0",
            "fold": fold,
            "data_hash": "d",
            "config_hash": "c",
            "seconds": 2.5,
            "device": ["cpu", "NVIDIA H100"][fold],
            **ENDED,
        }
        curves.append(str(tmp_path / f"{fold}.json"))
        (tmp_path / f"{fold}.json").write_text(json.dumps({**curve, "epochs": EPOCHS}))
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
    monkeypatch.setattr(mlflow_record, "PATIENCE", 0)
    curve = tmp_path / "curve.json"
    facts = {
        "encoder": "lite0",
        "fold": 0,
        "data_hash": "d",
        "config_hash": "c",
        "seconds": 1,
        "device": "cpu",
        "epochs": EPOCHS,
        **ENDED,
    }
    curve.write_text(json.dumps(facts))
    assert record("first", {}, [str(curve)], {"score": 1}, {"c.json": str(curve)}) == {"mlflow_run_id": ""}


@pytest.mark.parametrize("seen", [True, False], ids=["unreachable at the end", "unreachable throughout"])
def test_the_report_records_jobs_whose_server_was_unreachable(
    server: Recorded, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    caplog.set_level(logging.WARNING, "salt_pipeline")
    if seen:
        Tracking("first").job("lite0", 3)
    with monkeypatch.context() as unreachable:
        unreachable.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        unrecorded = Tracking("first")
        work(unrecorded, tmp_path)
        unrecorded.close(patience=0)
    assert logged(caplog)[-1] == "not recorded in MLflow"
    assert [run.info.status for run in server.runs("job")] == ["RUNNING"] * seen
    curve = {
        "encoder": "lite0",
        "fold": 3,
        "data_hash": "d",
        "config_hash": "c",
        "seconds": 2.5,
        "device": "cpu",
        **ENDED,
    }
    (tmp_path / "curve.json").write_text(json.dumps({**curve, "epochs": EPOCHS}))
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
