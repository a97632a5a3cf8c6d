import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.folder import KFP, RunFolder
from salt_pipeline.pipelines.local.result import result_document, show_result


def finish(folder: RunFolder, *, synthetic: bool) -> None:
    """Makes it a finished run of one stage and one encoder."""
    model = {"score_at_half": 0.5, "score": 0.61234, "score_interval": [0.55, 0.66], "salt_accuracy": 0.875}
    results = {
        "encoders": [{"name": "tu-tf_efficientnet_lite0", **model}],
        "ensemble": {"name": "ensemble", **model},
        "threshold": 0.45,
        "min_area": 12,
        "score_cross_fitted": 0.60123,
        "images": 60,
        "synthetic": synthetic,
    }
    (folder.path / "metrics.json").write_text(json.dumps(results))
    home = folder.path / KFP / "salt-1" / "ingest"
    home.mkdir(parents=True)
    (home / "dataset").write_text("rows")
    _note(home, "dataset", {"stage_seconds": "7.4", "cpu_seconds": "10.0"})


def _note(home: Path, name: str, facts: dict[str, str]) -> None:
    artifacts = {name: {"artifacts": [{"uri": str(home / name), "metadata": facts}]}}
    (home / "executor_output.json").write_text(json.dumps({"artifacts": artifacts}))


def shown(folder: RunFolder, *, synthetic: bool) -> str:
    """The text for a finished run."""
    finish(folder, synthetic=synthetic)
    console = Console(file=(file := io.StringIO()), width=200)
    show_result(folder, 90, console)
    return file.getvalue()


def test_scores_times_and_paths_are_shown(folder: RunFolder) -> None:
    text = shown(folder, synthetic=False)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "lite0 0.5000 0.6123 0.550 to 0.660 87.5%" in lines
    assert "ensemble 0.5000 0.6123 0.550 to 0.660 87.5%" in lines
    assert "ingest 1 7" in lines
    assert any("scores 0.6012 on 60 images" in line for line in lines)
    assert f"{folder.path / 'submission.csv'} for Kaggle" in lines
    assert lines[-1] == "1.5 minutes in all"
    assert "mean nothing" not in text


def test_cpu_seconds_are_told_by_kind_of_work(folder: RunFolder) -> None:
    home = folder.path / KFP / "salt-1" / "train-fold"
    home.mkdir(parents=True)
    (home / "model").mkdir()
    parts = {"cpu_seconds": "90.0", "cpu_parts": "start 5.0 steps 80.0 validation 2.0 prediction 1.0"}
    _note(home, "model", {"encoder": "tu-tf_efficientnet_lite0", "fold": "1", **parts})
    text = " ".join(shown(folder, synthetic=False).split())
    assert "100 CPU-seconds: start 5%, steps 80%, validation 2%, prediction 1%, rest 12%" in text
    parts_found = result_document(folder, 1)["cpu_seconds"]
    assert parts_found == {"all": 100, "start": 5, "steps": 80, "validation": 2, "prediction": 1, "rest": 12}


def test_a_run_that_noted_no_cpu_seconds_says_nothing_of_them(folder: RunFolder) -> None:
    finish(folder, synthetic=False)
    output = next((folder.path / KFP).rglob("executor_output.json"))
    output.write_text(output.read_text().replace("cpu_seconds", "other"))
    assert result_document(folder, 1)["cpu_seconds"] == {}


@pytest.mark.parametrize("word", ["synthetic", "mean nothing"])
def test_scores_on_a_synthetic_survey_are_marked_as_meaningless(folder: RunFolder, word: str) -> None:
    assert word in shown(folder, synthetic=True)


def test_a_program_gets_every_score_the_times_and_the_paths(folder: RunFolder) -> None:
    finish(folder, synthetic=True)
    found = json.loads(json.dumps(result_document(folder, 90.04)))
    assert found["metrics"] == json.loads((folder.path / "metrics.json").read_text())
    assert found["stages"] == [{"stage": "ingest", "tasks": 1, "seconds": [7.4]}]
    assert found["files"]["submission.csv"] == str(folder.path / "submission.csv")
    assert (found["run"], found["folder"], found["seconds"]) == (folder.run, str(folder.path), 90.0)


def test_damaged_scores_are_refused(folder: RunFolder) -> None:
    finish(folder, synthetic=True)
    (folder.path / "metrics.json").write_text("{}")
    with pytest.raises(SaltError, match=r"metrics\.json"):
        result_document(folder, 90)
