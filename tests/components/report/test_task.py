"""The stage's task: what goes to which output, the times it gathers, what it records, and how an error ends it."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Markdown, Metrics, Model
from mlflow import MlflowClient
from safetensors.numpy import save_file

from salt_pipeline.components.core.bundle import write_bundle
from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.tracking import tracking
from salt_pipeline.components.report.component import report
from tests.artifacts import config_artifact
from tests.components.core.test_bundle import FACTS
from tests.components.report.conftest import Made

OUTPUTS = ("results", "model_card", "report_html", "report_metrics", "classification")


def small_bundle(folder: Path) -> str:
    """A bundle of one model of a few numbers."""
    weights = folder / "model" / "model.safetensors"
    weights.parent.mkdir()
    save_file({"a": np.zeros(3, np.float32)}, weights)
    write_json(weights.with_suffix(".json"), {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest()})
    write_bundle(folder / "bundle", {Job("plain", 0): str(weights.parent)}, {"plain": 1.0}, "# card", FACTS)
    return str(folder / "bundle")


def arguments(made: Made) -> dict[str, Any]:
    """The arguments of the component; the tasks of each stage took times of their own."""
    out, paths = made.folder / "out", made.paths
    seconds = {name: {"stage_seconds": f"{n}.0"} for n, name in enumerate(paths, 11)}
    return {
        "dataset": Dataset(uri=paths["dataset"], metadata=seconds["dataset"]),
        "folds": Dataset(uri=paths["folds"], metadata=seconds["folds"]),
        "oofs": [Dataset(uri=path) for path in paths["oofs"]],
        "curves": [Artifact(uri=path, metadata={"stage_seconds": "3.5"}) for path in paths["curves"]],
        "blended_oof": Dataset(uri=paths["blended_oof"], metadata=seconds["blended_oof"] | {"predict_seconds": "1 3"}),
        "choice": Artifact(uri=paths["choice"], metadata=seconds["choice"]),
        "bundle": Model(uri=small_bundle(made.folder)),
        "config": config_artifact(made.folder, made.config),
        "run": "nightly-1",
        "origin": {"runner": "cluster", "preset": "seed", "kfp_ui": "https://kfp.example"},
        "kfp_run": "3f2a",
        "promote": False,
        "results": Artifact(uri=str(out / "results")),
        "model_card": Markdown(uri=str(out / "card")),
        "report_html": HTML(uri=str(out / "page")),
        "report_metrics": Metrics(uri=str(out / "metrics")),
        "classification": ClassificationMetrics(uri=str(out / "classification")),
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The arguments of a task that has ended, in an environment without MLflow; tests only read them."""
    given = arguments(Made(tmp_path_factory.mktemp("finished")))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        report.python_func(**given)
    return given


def test_each_output_holds_its_part_of_the_report(finished: dict[str, Any]) -> None:
    results, card, page, metrics, classification = (finished[name] for name in OUTPUTS)
    score = read_json(results.path)["ensemble"]["score"]
    assert read_json(metrics.path)["score"] == metrics.metadata["score"] == score
    assert read_json(classification.path) == read_json(results.path)["classification"]
    assert Path(card.path).read_text().startswith("# Out-of-fold scores\n")
    assert "nightly-1" in Path(page.path).read_text()
    for artifact in (results, card, page, metrics, classification):
        assert artifact.metadata["mlflow_run_id"] == ""
        assert "registered_model" not in artifact.metadata


def test_the_page_shows_the_times_that_the_inputs_carry(finished: dict[str, Any]) -> None:
    times = {name: finished[name].metadata["stage_seconds"] for name in ("dataset", "folds", "blended_oof", "choice")}
    page = Path(finished["report_html"].path).read_text()
    rows = [
        ("ingest", 1, times["dataset"]),
        ("fold split", 1, times["folds"]),
        ("train fold", 6, "21.0"),
        ("predict", 2, "4.0"),
        ("ensemble", 1, times["blended_oof"]),
        ("submission", 1, times["choice"]),
    ]
    for stage, tasks, together in rows:
        assert f'<th scope="row">{stage}</th><td>{tasks}</td><td>{together} s</td>' in page


def test_the_run_is_recorded_with_its_origin_and_every_output_names_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path
) -> None:
    shutil.copy(empty_mlflow, tmp_path)
    address = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setattr(tracking, "SETTLE", 0)
    monkeypatch.chdir(tmp_path)
    given = arguments(Made(tmp_path, names=("plain",), fold_count=2))
    report.python_func(**given)

    run_id = given["results"].metadata["mlflow_run_id"]
    for name in OUTPUTS:
        metadata = given[name].metadata
        assert (metadata["mlflow_run_id"], metadata["registered_model"]) == (run_id, "salt/1")
    client = MlflowClient(address)
    run = client.get_run(run_id)
    expected = {
        "salt.run": "nightly-1",
        "salt.preset": "seed",
        "salt.kfp_run": "3f2a",
        "salt.kfp_link": "https://kfp.example/#/runs/details/3f2a",
        "mlflow.source.name": "salt submit",
    }
    assert expected.items() <= run.data.tags.items()
    assert run.data.metrics["score"] == given["report_metrics"].metadata["score"]
    uploaded = {file.path for file in client.list_artifacts(run_id)}
    assert {"metrics.json", "report.md", "report.html", "oof.parquet", "config.json", "model"} <= uploaded


def test_an_error_of_the_user_is_one_line_and_no_output_is_described(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments(made)
    choice = Path(made.paths["choice"])
    choice.unlink()
    with pytest.raises(SystemExit) as ended:
        report.python_func(**given)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{MARK}{choice}: cannot be read: No such file or directory\n"
    assert all(given[name].metadata == {} for name in OUTPUTS)
    assert not (made.folder / "out").exists()
