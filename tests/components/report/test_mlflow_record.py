"""A job whose MLflow server was unreachable is recorded by the report like one that recorded itself."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.tracking import tracking
from salt_pipeline.components.report.mlflow_record import record
from salt_pipeline.components.train_fold.stage import train
from tests.components.network.tiny import ENCODER, document, write_survey

CONFIG = document(train={"epochs": 2, "phase1_epochs": 1})


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
    assert [item.dataset.digest for item in absent.inputs.dataset_inputs] == ["0123456789abcdef"]
    for name in own:
        at = [
            [(p.step, p.value, p.timestamp) for p in client.get_metric_history(found.info.run_id, name)]
            for found in (present, absent)
        ]
        assert len(at[0]) == len(at[1]) == (1 if name.startswith("oof_") else 2)
        assert name.startswith("oof_") or at[0] == at[1]
    assert "salt.missing_files" not in present.data.tags
    assert absent.data.tags["salt.missing_files"] == "curve.png, model"
