"""One real run, with kfp.local, subprocesses and MLflow on SQLite: interrupted during training, then resumed."""

import json
import os
import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from salt_pipeline.components.core.schemas import DATASET, FOLDS, MAPS, array_to_pixels, open_table, read_table
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.local.lock import locked
from tests.pipelines.local_run import (
    CHANGES,
    ENCODER,
    FILES,
    JOB_FILES,
    JOBS,
    begin,
    files,
    processes,
    salt,
    tracked,
    trained_epochs,
)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A run that was interrupted during training, resumed to its end, then started again."""
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

    # A kill in the middle of a write leaves such a file.
    (folder / "checkpoints" / ".checkpoint.safetensors.96f8085b.part").write_bytes(b"half")
    finished = salt("run", "--out", folder)
    assert finished.code == 0, finished.said
    first = SimpleNamespace(result=finished, left=processes(folder), files=files(folder), tracked=tracked(folder))
    inodes = {name: (folder / name).stat().st_ino for name in files(folder)}
    log_size = (folder / "log-debug.txt").stat().st_size

    second = SimpleNamespace(
        result=salt("run", "--data", archive, "--preset", "smoke", *CHANGES, "--out", folder, "--quiet"),
        inodes={name: (folder / name).stat().st_ino for name in files(folder)},
        tracked=tracked(folder),
        log=(folder / "log-debug.txt").read_text()[log_size:],
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


def test_ctrl_c_ends_all_processes(run: SimpleNamespace) -> None:
    assert run.stopped.code == 130
    assert run.stopped.left == []
    assert f"to resume: salt run --out {run.folder}" in run.stopped.said
    assert "Traceback" not in run.stopped.said


def test_ctrl_c_leaves_no_partial_files(run: SimpleNamespace) -> None:
    made = {"ingest/dataset.parquet", "ingest/config.json", "fold_split/folds.parquet"}
    assert 1 <= run.stopped.epochs < 4
    assert made <= run.stopped.files <= FILES | {name.format(job) for name in JOB_FILES for job in JOBS}
    assert "submission.csv" not in run.stopped.files


def test_ctrl_c_is_recorded_in_mlflow(run: SimpleNamespace) -> None:
    assert [pipeline.info.status for pipeline in run.stopped.tracked.pipelines] == ["KILLED"]
    assert {job.info.status for job in run.stopped.tracked.jobs} <= {"KILLED", "FINISHED"}


def test_training_resumes_from_its_checkpoint(run: SimpleNamespace) -> None:
    log = (run.folder / "log.txt").read_text()
    assert log.count("Executing task") > 0
    for job in JOBS:
        curve = json.loads((run.folder / "train_fold" / job / "curve.json").read_text())
        assert [epoch["epoch"] for epoch in curve["epochs"]] == [1, 2]
    assert log.count(": epoch 1 of 2") <= 2


def test_the_log_is_for_people(run: SimpleNamespace) -> None:
    lines = (run.folder / "log.txt").read_text().splitlines()
    assert len(lines) < 200
    assert sum(" epoch 2 of 2, " in line for line in lines) == len(JOBS)
    assert any(line.endswith(" Task 'report' finished with status SUCCESS") for line in lines)
    assert [line for line in lines if not re.match("([0-9-]{10} )?[0-9:]{8} |error: Task ", line)] == []
    debug = (run.folder / "log-debug.txt").read_text()
    assert "Got executor_input:" in debug
    assert "have no effect in the current local runner" in debug


def test_all_files_have_their_predictable_names(run: SimpleNamespace) -> None:
    assert run.first.files == FILES | {name.format(job) for name in JOB_FILES for job in JOBS}
    assert run.first.left == []
    assert not [*run.folder.rglob("*.part")]


def test_the_tables_are_complete(run: SimpleNamespace) -> None:
    assert open_table(run.folder / "ingest/dataset.parquet", DATASET).metadata.num_rows == 80
    assert open_table(run.folder / "fold_split/folds.parquet", FOLDS).metadata.num_rows == 60
    assert open_table(run.folder / "ensemble/oof.parquet", MAPS).metadata.num_rows == 60
    assert open_table(run.folder / "ensemble/test.parquet", MAPS).metadata.num_rows == 20
    for job in JOBS:
        assert open_table(run.folder / "train_fold" / job / "oof.parquet", MAPS).metadata.num_rows in range(20, 41)
        assert open_table(run.folder / "predict" / job / "maps.parquet", MAPS).metadata.num_rows == 20


def test_the_submission_is_valid(run: SimpleNamespace) -> None:
    checked = salt("check-submission", run.folder / "submission.csv", "--data", run.archive)
    assert checked.code == 0, checked.said


def test_the_scores_follow_from_the_maps(run: SimpleNamespace) -> None:
    dataset, _ = read_table(run.folder / "ingest/dataset.parquet", DATASET)
    labelled = [row for row in dataset.to_pylist() if row["labelled"]]
    masks = {row["id"]: row["mask"] for row in labelled}
    constant = {row["id"] for row in labelled if len(set(row["image"])) == 1}  # always predicted as no salt
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


def test_the_result_of_synthetic_data_is_shown_with_a_warning(run: SimpleNamespace) -> None:
    assert f"{run.metrics['score_cross_fitted']:.4f}" in run.first.result.out
    assert str(run.folder / "submission.csv") in run.first.result.out
    assert run.metrics["synthetic"] is True
    assert "mean nothing" in run.first.result.out


def test_the_complete_configuration_is_kept_and_logged(run: SimpleNamespace) -> None:
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


def test_a_finished_run_that_is_started_again_computes_nothing(run: SimpleNamespace) -> None:
    assert run.second.result.code == 0, run.second.result.said
    assert run.second.inodes == run.inodes
    assert "[KFP Executor" not in run.second.log
    assert run.second.result.said == ""
    assert run.second.result.out.splitlines()[:3] == run.first.result.out.splitlines()[:3]

    def records(tracked: SimpleNamespace) -> list[tuple[str, str, int]]:
        return sorted((run.info.run_id, run.info.status, run.info.end_time) for run in tracked.jobs)

    assert records(run.second.tracked) == records(run.first.tracked)
    assert [p.info.run_id for p in run.second.tracked.pipelines] == [p.info.run_id for p in run.first.tracked.pipelines]
    assert run.second.tracked.epochs == run.first.tracked.epochs


def test_another_process_in_the_folder_is_refused(run: SimpleNamespace) -> None:
    log = (run.folder / "log.txt").read_text()
    with locked(run.folder):
        refused = salt("run", "--out", run.folder)
    assert (refused.code, refused.out) == (2, "")
    assert f"another process runs in this folder (found process {os.getpid()}, since" in refused.said
    assert refused.said.count("\n") == 1
    assert (run.folder / "log.txt").read_text() == log


def test_an_invalid_mask_is_reported(run: SimpleNamespace, tmp_path: Path) -> None:
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
