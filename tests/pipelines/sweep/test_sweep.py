"""A real sweep of a small network: killed and resumed, compared, extended, and recorded in MLflow."""

import json
import os
import shlex
import signal
import time
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.local.lock import locked
from tests.pipelines.local_run import begin, processes, salt

pytestmark = pytest.mark.timeout(900)

FIXED = [
    'encoders=[{"name":"tu-lcnet_035","weight":1}]',
    "model.encoder_weights=none",
    "model.centre_channels=16",
    "model.decoder_channels=16",
    "train.batch_size=8",
    "train.phase1_epochs=0",
    "train.epochs=2",
]
FAST, SLOW = "train.learning_rate=0.005", "train.learning_rate=1e-09"
RATES, FLIPS = "train.learning_rate=[5e-3,1e-9]", "predict.flip_tta=[true,false]"


def changes(*options: str) -> list[str]:
    return [word for option in (*FIXED, *options) for word in ("--set", option)]


def finished(folder: Path) -> dict[Path, int]:
    """The finished jobs, with the times at which they finished."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("metrics.json")}


def wait_for_training(folder: Path, process: Popen[str], jobs: int) -> None:
    """Waits until so many jobs have finished and another training runs."""
    while len(finished(folder)) < jobs or not any("sweep.training" in line for line in processes(folder)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def tracked(folder: Path) -> tuple[MlflowClient, Any, dict[str, Any]]:
    """The run of the sweep in MLflow, and those of its settings by name."""
    client = MlflowClient(f"sqlite:///{folder.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("salt")
    assert experiment
    runs = client.search_runs([experiment.experiment_id])
    (sweep,) = [run for run in runs if run.data.tags["salt.kind"] == "sweep"]
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == sweep.info.run_id]
    assert len(nested) == len(runs) - 1
    return client, sweep, {run.info.run_name: run for run in nested}


def kill_twice(folder: Path, begun: Popen[str]) -> dict[Path, int]:
    """Kills the command after one job, then the process that it started; the jobs that had finished before."""
    wait_for_training(folder, begun, jobs=1)
    refused = salt("sweep", "--out", folder)
    assert refused.code == 2
    assert "another process runs in this folder" in refused.said
    begun.send_signal(signal.SIGKILL)
    begun.communicate(timeout=60)
    with locked(folder):  # waits while killed processes end
        assert processes(folder) == []
    before = finished(folder)

    again = begin("sweep", "--out", folder, "--jobs", 1)
    wait_for_training(folder, again, jobs=len(before))
    (runner,) = [line for line in processes(folder) if "sweep.runner" in line]
    os.kill(int(runner.split()[0]), signal.SIGTERM)
    _, said = again.communicate(timeout=60)
    assert again.returncode == 130
    assert said.endswith(f"stopped; to resume: salt sweep --out {folder}\n")
    assert {run.info.status for run in tracked(folder)[2].values()} == {"KILLED"}
    with locked(folder):
        assert processes(folder) == []
    return before


def check_records(folder: Path) -> None:
    """The results are in MLflow, with the curves of each setting."""
    client, sweep, settings = tracked(folder)
    assert sweep.info.status == "FINISHED"
    assert sweep.data.params["trainings"] == "4"
    assert settings.keys() == {FAST, SLOW}
    for name, run in settings.items():
        assert run.info.status == "FINISHED"
        assert run.data.params["train.learning_rate"] == name.partition("=")[2]
        for curve in ("score", "loss"):
            assert [point.step for point in client.get_metric_history(run.info.run_id, curve)] == [1, 2]
    results = json.loads((folder / "results.json").read_text())["settings"]
    assert [one["name"] for one in results] == [FAST, SLOW]
    assert [settings[one["name"]].data.metrics["oof_score"] for one in results] == [one["score"] for one in results]
    gain = results[1]["gain"]
    assert gain["mean"] == pytest.approx(results[1]["score"] - results[0]["score"])
    assert gain["low"] <= gain["mean"] <= gain["high"]
    assert gain["won"] + gain["lost"] + gain["tied"] == 60
    assert settings[SLOW].data.metrics["gain"] == gain["mean"]


@pytest.mark.slow
def test_a_killed_sweep_resumes_and_a_longer_one_trains_only_what_is_new(tmp_path: Path) -> None:
    folder, archive = tmp_path / "sweeps" / "first", tmp_path / "survey.zip"
    write_survey(str(archive), labelled=60, test=4, seed=2)
    words = ["sweep", "--data", archive, "--preset", "smoke", *changes(RATES), "--jobs", 1, "--out", folder]
    before = kill_twice(folder, begin(*words))

    resumed = salt("sweep", "--out", folder)
    assert resumed.code == 0, resumed.said
    assert finished(folder).items() >= before.items()
    assert len(finished(folder)) == 4
    assert resumed.out.count("\n| train.") == 2
    assert f"\n| {FAST} | " in resumed.out
    assert f"Differences are to `{FAST}`, paired by image.\n" in resumed.out
    printed = shlex.split(resumed.out.splitlines()[-1])
    assert printed[:6] == ["salt", "run", "--data", str(archive), "--preset", "smoke"]
    assert [word for word in printed if word in FIXED] == FIXED
    check_records(folder)

    trained = finished(folder)
    longer = salt("sweep", "--out", folder, *changes(RATES, FLIPS), "--json")
    assert longer.code == 0, longer.said
    assert json.loads(longer.out) == json.loads((folder / "results.json").read_text())["settings"]
    assert "4 settings, 4 trainings, 4 of 8 jobs finished" in longer.said
    assert finished(folder).items() >= trained.items()
    assert len(finished(folder)) == 8
    checkpoints = [path.stat().st_mtime_ns for path in folder.glob("checkpoints/*/*/fold*/checkpoint*")]
    assert len(checkpoints) == 4
    assert max(checkpoints) <= max(trained.values()), "a prediction without flips needs no training"


def test_a_failed_training_ends_the_sweep_with_its_reason(tmp_path: Path) -> None:
    folder, archive = tmp_path / "first", tmp_path / "survey.zip"
    write_survey(str(archive), labelled=20, test=2, seed=2)
    unknown = 'encoders=[{"name":"no-such-encoder","weight":1}]'
    options = changes("train.epochs=[1,2]", unknown, "submission.threshold=0.5", "submission.min_area=0")
    ended = salt("sweep", "--data", archive, "--preset", "smoke", *options, "--fold", 1, "--out", folder)
    assert ended.code == 2
    assert "2 of 2 trainings failed" in ended.said
    assert "no-such-encoder" in ended.said
    assert "Traceback" not in ended.said
    assert not ended.out
    assert {run.info.status for run in tracked(folder)[2].values()} == {"FAILED"}
