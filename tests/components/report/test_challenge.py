"""The report's task makes the model of its run the champion if it is better, and never fails because of that."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from mlflow import MlflowClient

from salt_pipeline.components.core.tracking import tracking
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.report import mlflow_record
from salt_pipeline.components.report.task import Inputs, Outputs, report_task
from tests.components.trained import CONFIG, Trained


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path) -> MlflowClient:
    shutil.copy(empty_mlflow, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    return MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


def run_task(trained: Trained, run: str, folder: Path, *, promote: bool = True) -> Path:
    """Runs the report's task; returns the folder with its page and card."""

    def artifact(path: Path, kind: type = dsl.Artifact) -> Any:
        return kind(name=path.name, uri=str(path))

    work, out = trained.folder, folder / run
    out.mkdir()
    (out / "config.json").write_text(json.dumps(CONFIG))
    jobs = sorted(path.parent for path in work.glob("*/curve.json"))
    inputs = Inputs(
        dataset=artifact(work / "dataset.parquet"),
        folds=artifact(work / "folds.parquet"),
        oofs=[artifact(job / "oof.parquet") for job in jobs],
        curves=[artifact(job / "curve.json") for job in jobs],
        blended_oof=artifact(work / "oof.parquet"),
        choice=artifact(work / "choice.json"),
        bundle=artifact(trained.bundle),
        config=artifact(out / "config.json"),
    )
    outputs = Outputs(
        artifact(out / "metrics.json"),
        artifact(out / "report.md", dsl.Markdown),
        artifact(out / "report.html", dsl.HTML),
        artifact(out / "metrics", dsl.Metrics),
        artifact(out / "classification", dsl.ClassificationMetrics),
    )
    report_task(inputs, outputs, run, {}, "", promote)
    return out


def alias(client: MlflowClient, name: str) -> str | None:
    found = client.get_registered_model("salt").aliases.get(name)
    return str(found) if found else None


def test_the_first_is_the_champion_and_an_equal_one_its_challenger(
    trained: Trained, client: MlflowClient, tmp_path: Path
) -> None:
    without = run_task(trained, "without", tmp_path, promote=False)
    assert (alias(client, "champion"), alias(client, "challenger")) == (None, None)
    assert "Promotion" not in (without / "report.md").read_text() + (without / "report.html").read_text()
    first = run_task(trained, "first", tmp_path)
    assert alias(client, "champion") == "2"
    assert "**Promotion**: promoted to champion: there was no champion\n" in (first / "report.md").read_text()
    second = run_task(trained, "second", tmp_path)
    assert (alias(client, "champion"), alias(client, "challenger")) == ("2", "3")
    sentence = "not promoted: +0.0000 against version 2 on 19 images"
    assert f"Promotion: {sentence}" in (second / "report.html").read_text()
    version = client.get_model_version("salt", "3")
    note = client.get_run(str(version.run_id)).data.tags[NOTE]
    assert note.count("**Promotion**") == 1, "the card has it already"
    assert version.tags["salt.promotion"].startswith(sentence)


def test_a_retried_task_finds_its_own_champion(trained: Trained, client: MlflowClient, tmp_path: Path) -> None:
    run_task(trained, "first", tmp_path)
    shutil.rmtree(tmp_path / "first")
    again = run_task(trained, "first", tmp_path)
    assert "it was the champion already" in (again / "report.md").read_text()
    assert alias(client, "champion") == "1"


def test_a_champion_of_other_folds_stays_and_the_run_succeeds(
    trained: Trained, client: MlflowClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run_task(trained, "first", tmp_path)
    run_id = str(client.get_model_version("salt", "1").run_id)
    client.log_dict(run_id, {**CONFIG, "seed": 7}, "config.json")
    second = run_task(trained, "second", tmp_path)
    assert "not decided: second: seed: its folds are not those of version 1" in (second / "report.md").read_text()
    assert "not decided whether this model is to be the champion: second: seed" in caplog.text
    assert (alias(client, "champion"), alias(client, "challenger")) == ("1", None)
    assert client.get_model_version("salt", "2").tags["salt.run"] == "second", "it is registered all the same"


@pytest.mark.usefixtures("nowhere")
def test_an_outage_is_logged_and_the_run_succeeds(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracking, "JOB_PATIENCE", 0)
    monkeypatch.setattr(mlflow_record, "PATIENCE", 0)
    out = run_task(trained, "first", tmp_path)
    assert "not decided: MLflow could not be used, see the log" in (out / "report.md").read_text()
    assert "not recorded in MLflow: 1 x promotion" in caplog.text
