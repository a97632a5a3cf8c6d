"""One real run, with kfp.local, subprocesses and MLflow on SQLite: stopped in training, then gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.schemas import DATASET, FOLDS, MAPS, array_to_pixels, open_table, read_table
from salt_pipeline.components.ingest.synth import write_survey

pytestmark = pytest.mark.timeout(900)

ENCODER = "tu-tf_efficientnet_lite0"
CHANGES = ["--set", f'encoders=[{{"name": "{ENCODER}", "weight": 1}}]']
# A shell's background job ignores SIGINT, and so would the command under test.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
SALT = [sys.executable, "-c", f"{HEED}; from salt_pipeline.pipelines.cli.main import main; main()"]

FILES = {
    "config.json",
    "run.json",
    "log.txt",
    "ingest/dataset.parquet",
    "ingest/config.json",
    "fold_split/folds.parquet",
    "ensemble/oof.parquet",
    "ensemble/test.parquet",
    "ensemble/bundle/bundle.json",
    "ensemble/bundle/MODEL_CARD.md",
    *(
        f"ensemble/bundle/models/tu-tf_efficientnet_lite0-fold{fold}.{kind}"
        for fold in (0, 1)
        for kind in ("safetensors", "json")
    ),
    "submission.csv",
    "submission/choice.json",
    "submission/metrics.json",
    "report.html",
    "report.md",
    "metrics.json",
    "report/metrics.json",
    "report/classification.json",
}
JOB_FILES = {
    "train_fold/{}/model/model.safetensors",
    "train_fold/{}/model/model.json",
    "train_fold/{}/oof.parquet",
    "train_fold/{}/curve.json",
    "train_fold/{}/metrics.json",
    "predict/{}/maps.parquet",
}
JOBS = [f"{ENCODER}/fold{fold}" for fold in (0, 1)]


def begin(*words: object) -> subprocess.Popen[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    command = [*SALT, *map(str, words)]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def salt(*words: object) -> SimpleNamespace:
    """Runs the command to its end; exit code, standard output and error."""
    process = begin(*words)
    out, said = process.communicate()
    return SimpleNamespace(code=process.returncode, out=out, said=said)


def processes(folder: Path) -> list[str]:
    """What still runs in a run's folder."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line and line.split()[1][0] != "Z"]


def files(folder: Path) -> set[str]:
    """The predictable files: everything that is not hidden and no checkpoint."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if path.parts[0] != "checkpoints" and not path.parts[0].startswith(".")}


def tracked(folder: Path) -> SimpleNamespace:
    """What MLflow holds of a run: the pipeline's run and its jobs'."""
    client = MlflowClient(f"sqlite:///{folder.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("salt")
    assert experiment
    name = json.loads((folder / "run.json").read_text())["run"]
    runs = client.search_runs([experiment.experiment_id], f"tags.`salt.run` = '{name}'")
    pipelines, jobs = ([r for r in runs if r.data.tags["salt.kind"] == kind] for kind in ("pipeline", "job"))
    epochs = {job.info.run_id: [m.step for m in client.get_metric_history(job.info.run_id, "score")] for job in jobs}
    return SimpleNamespace(client=client, pipelines=pipelines, jobs=jobs, epochs=epochs)


def trained_epochs(folder: Path) -> int:
    states = [json.loads(path.read_text()) for path in folder.glob("checkpoints/*/*/fold*/progress.json")]
    return sum(int(state["done"]) for state in states if state.get("score") is not None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A run that was stopped during training, gone on with to its end, then asked for once more."""
    home = tmp_path_factory.mktemp("salt")
    folder, archive = home / "runs" / "first", home / "survey.zip"
    write_survey(str(archive), labelled=60, test=20, seed=2)

    process = begin("run", "--data", archive, "--preset", "smoke", *CHANGES, "--out", folder)
    while process.poll() is None and not trained_epochs(folder):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate()
    stopped = SimpleNamespace(
        code=process.returncode,
        out=out,
        said=said,
        left=processes(folder),
        files=files(folder),
        tracked=tracked(folder),
        epochs=trained_epochs(folder),
    )

    # What a kill in the middle of a write leaves, whether or not this one did.
    (folder / "checkpoints" / ".checkpoint.safetensors.96f8085b.part").write_bytes(b"half")
    finished = salt("run", "--out", folder)
    assert finished.code == 0, finished.said
    first = SimpleNamespace(result=finished, left=processes(folder), files=files(folder), tracked=tracked(folder))
    inodes = {name: (folder / name).stat().st_ino for name in files(folder)}
    log_size = (folder / "log.txt").stat().st_size

    second = SimpleNamespace(
        result=salt("run", "--data", archive, "--preset", "smoke", *CHANGES, "--out", folder),
        inodes={name: (folder / name).stat().st_ino for name in files(folder)},
        tracked=tracked(folder),
        log=(folder / "log.txt").read_text()[log_size:],
    )
    return SimpleNamespace(
        folder=folder,
        archive=archive,
        stopped=stopped,
        first=first,
        second=second,
        inodes=inodes,
        metrics=json.loads((folder / "metrics.json").read_text()),
    )


def test_ctrl_c_ends_everything_at_once(run: SimpleNamespace) -> None:
    assert run.stopped.code == 130
    assert run.stopped.left == []
    assert f"to resume: salt run --out {run.folder}" in run.stopped.said
    assert "Traceback" not in run.stopped.said


def test_ctrl_c_leaves_nothing_half_made(run: SimpleNamespace) -> None:
    made = {"ingest/dataset.parquet", "ingest/config.json", "fold_split/folds.parquet"}
    assert 1 <= run.stopped.epochs < 4
    assert made <= run.stopped.files <= FILES | {name.format(job) for name in JOB_FILES for job in JOBS}
    assert "submission.csv" not in run.stopped.files


def test_ctrl_c_is_seen_in_mlflow(run: SimpleNamespace) -> None:
    assert [pipeline.info.status for pipeline in run.stopped.tracked.pipelines] == ["KILLED"]
    assert {job.info.status for job in run.stopped.tracked.jobs} <= {"KILLED", "FINISHED"}


def test_training_goes_on_where_it_stopped(run: SimpleNamespace) -> None:
    log = (run.folder / "log.txt").read_text()
    assert log.count("Executing task") > 0
    for job in JOBS:
        curve = json.loads((run.folder / "train_fold" / job / "curve.json").read_text())
        assert [epoch["epoch"] for epoch in curve["epochs"]] == [1, 2]
    assert log.count(": epoch 1 of 2") <= 2


def test_all_files_have_their_predictable_names(run: SimpleNamespace) -> None:
    assert run.first.files == FILES | {name.format(job) for name in JOB_FILES for job in JOBS}
    assert run.first.left == []
    assert not [*run.folder.rglob("*.part")]


def test_the_tables_are_whole(run: SimpleNamespace) -> None:
    assert open_table(run.folder / "ingest/dataset.parquet", DATASET).metadata.num_rows == 80
    assert open_table(run.folder / "fold_split/folds.parquet", FOLDS).metadata.num_rows == 60
    assert open_table(run.folder / "ensemble/oof.parquet", MAPS).metadata.num_rows == 60
    assert open_table(run.folder / "ensemble/test.parquet", MAPS).metadata.num_rows == 20
    for job in JOBS:
        assert open_table(run.folder / "train_fold" / job / "oof.parquet", MAPS).metadata.num_rows in range(20, 41)
        assert open_table(run.folder / "predict" / job / "maps.parquet", MAPS).metadata.num_rows == 20


def test_the_submission_is_what_kaggle_takes(run: SimpleNamespace) -> None:
    checked = salt("check-submission", run.folder / "submission.csv", "--data", run.archive)
    assert checked.code == 0, checked.said


def test_the_scores_can_be_had_from_the_maps(run: SimpleNamespace) -> None:
    dataset, _ = read_table(run.folder / "ingest/dataset.parquet", DATASET)
    labelled = [row for row in dataset.to_pylist() if row["labelled"]]
    masks = {row["id"]: row["mask"] for row in labelled}
    constant = {row["id"] for row in labelled if len(set(row["image"])) == 1}  # predicted empty, whatever the map
    blended, _ = read_table(run.folder / "ensemble/oof.parquet", MAPS)
    maps_BHW = array_to_pixels(blended["map"])

    def mean(threshold: float, min_area: int) -> float:
        scores = []
        for image_id, map_HW in zip(blended["id"].to_pylist(), maps_BHW, strict=True):
            truth_HW = np.frombuffer(masks[image_id], np.uint8).reshape(101, 101) > 0
            salt_HW = map_HW / 255 > threshold
            if salt_HW.sum() < min_area or image_id in constant:
                salt_HW = np.zeros_like(salt_HW)
            both, either = int((salt_HW & truth_HW).sum()), int((salt_HW | truth_HW).sum())
            scores.append(1.0 if either == 0 else sum(20 * both > k * either for k in range(10, 20)) / 10)
        return float(np.mean(scores))

    ensemble = run.metrics["ensemble"]
    assert ensemble["images"] == len(masks) == 60
    assert ensemble["score"] == pytest.approx(mean(run.metrics["threshold"], run.metrics["min_area"]))
    assert ensemble["score_at_half"] == pytest.approx(mean(0.5, 0))


def test_the_result_is_shown_and_said_to_mean_nothing(run: SimpleNamespace) -> None:
    assert f"{run.metrics['score_cross_fitted']:.4f}" in run.first.result.out
    assert str(run.folder / "submission.csv") in run.first.result.out
    assert run.metrics["synthetic"] is True
    assert "mean nothing" in run.first.result.out


def test_the_configuration_is_kept_and_logged_whole(run: SimpleNamespace) -> None:
    from salt_pipeline.components.core.config.config import parse_config

    config = parse_config(json.loads((run.folder / "config.json").read_text()))
    assert [encoder.name for encoder in config.encoders] == [ENCODER]
    (pipeline,) = run.first.tracked.pipelines
    assert pipeline.data.params["encoders"] == f"{ENCODER} 1.0"
    assert {*config.flat(), "config_hash", "data_hash"} <= set(pipeline.data.params)


def test_mlflow_holds_one_run_with_a_nested_one_for_each_job(run: SimpleNamespace) -> None:
    (pipeline,), jobs = run.first.tracked.pipelines, run.first.tracked.jobs
    assert {run.info.status for run in [pipeline, *jobs]} == {"FINISHED"}
    assert sorted(job.data.tags["salt.fold"] for job in jobs) == ["0", "1"]
    assert {job.data.tags["mlflow.parentRunId"] for job in jobs} == {pipeline.info.run_id}
    assert all(steps == [1, 2] for steps in run.first.tracked.epochs.values())
    for job in jobs:
        client, run_id = run.first.tracked.client, job.info.run_id
        assert "curve.png" in [file.path for file in client.list_artifacts(run_id)]
        model = {file.path for file in client.list_artifacts(run_id, "model")}
        assert model == {"model/model.json", "model/model.safetensors"}
        assert "oof_score" in job.data.metrics
    assert pipeline.data.metrics["score"] == run.metrics["ensemble"]["score"]
    uploaded = {file.path for file in run.first.tracked.client.list_artifacts(pipeline.info.run_id)}
    assert {"metrics.json", "report.md", "report.html"} <= uploaded


def test_asked_again_nothing_is_made_again(run: SimpleNamespace) -> None:
    assert run.second.result.code == 0, run.second.result.said
    assert run.second.inodes == run.inodes
    assert "[KFP Executor" not in run.second.log
    assert run.second.result.out.splitlines()[:3] == run.first.result.out.splitlines()[:3]

    def told(tracked: SimpleNamespace) -> list[tuple[str, str, int]]:
        return sorted((run.info.run_id, run.info.status, run.info.end_time) for run in tracked.jobs)

    assert told(run.second.tracked) == told(run.first.tracked)
    assert [p.info.run_id for p in run.second.tracked.pipelines] == [p.info.run_id for p in run.first.tracked.pipelines]
    assert run.second.tracked.epochs == run.first.tracked.epochs


def test_another_process_in_the_folder_is_refused(run: SimpleNamespace) -> None:
    import fcntl

    with (run.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = salt("run", "--out", run.folder)
    assert refused.code != 0
    assert "another process runs in this folder" in refused.said
    assert "Traceback" not in refused.said


def test_a_bad_mask_is_named(run: SimpleNamespace, tmp_path: Path) -> None:
    data, out = tmp_path / "data", run.folder.parent / "bad"
    write_survey(str(data), labelled=8, test=4, seed=2)
    bad = sorted((data / "train" / "masks").iterdir())[3]
    bad.write_bytes(bad.read_bytes()[:60])
    failed = salt("run", "--data", data, "--preset", "smoke", *CHANGES, "--out", out)
    assert failed.code == 1
    assert f"train/masks/{bad.name}" in failed.said
    assert failed.said.count("salt: error: ") == 1
    assert "Traceback" not in failed.said
    assert "submission.csv" not in files(out)
    (pipeline,) = tracked(out).pipelines
    assert pipeline.info.status == "FAILED"
