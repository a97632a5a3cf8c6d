"""One training of a sweep: the document that describes it, and its outputs, with the tiny network."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import MARK, SaltError
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.core.job_files import CHECKPOINT
from salt_pipeline.components.core.schemas import MAPS, read_table
from salt_pipeline.pipelines.sweep.job import METRICS, Job, folds_file
from salt_pipeline.pipelines.sweep.training import JOB, read_job, train_job, write_job
from tests.components.network.tiny import ENCODER, config, write_survey

TRAIN = {"epochs": 2, "phase1_epochs": 1}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job that has not begun, in a folder with the dataset and the folds."""
    job = Job(config(train=TRAIN), ENCODER, 1, tmp_path, setting="the first")
    _, folds = write_survey(tmp_path)
    Path(folds).rename(folds_file(job.config, tmp_path))
    return job


def trained(job: Job) -> float:
    """Trains a job as its process does; the seconds of its training."""
    write_job(job)
    train_job(read_job(job.folder, job.work))
    return float(read_json(job.folder / METRICS)["training_seconds"])


def checkpoints(job: Job) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in job.work.rglob(CHECKPOINT)}


def test_a_job_is_read_as_it_was_written_except_for_the_name_of_its_setting(job: Job) -> None:
    write_job(job)
    assert read_job(job.folder, job.work) == replace(job, setting="")
    assert not job.finished


def test_a_job_leaves_its_outputs_and_another_prediction_needs_no_training(job: Job) -> None:
    seconds = trained(job)
    assert job.finished
    maps, facts = read_table(job.folder / "oof.parquet", MAPS)
    assert (facts["config_hash"], facts["encoder"], facts["fold"]) == (job.config.hash, ENCODER, "1")
    assert [epoch["epoch"] for epoch in read_json(job.folder / "curve.json")["epochs"]] == [1, 2]
    kept = checkpoints(job)
    assert len(kept) == 1

    unflipped = replace(job, config=config(train=TRAIN, predict={"flip_tta": False}))
    assert unflipped.folder != job.folder
    assert trained(unflipped) == seconds
    assert checkpoints(job) == kept
    assert not read_table(unflipped.folder / "oof.parquet", MAPS)[0].equals(maps)


def test_a_damaged_document_is_named_with_the_option(job: Job) -> None:
    write_job(job)
    document = read_json(job.folder / JOB)
    document["config"]["train"]["epochs"] = 0
    write_json(job.folder / JOB, document)
    with pytest.raises(SaltError, match=r"job\.json is not valid\n  - train\.epochs: Input should be greater"):
        read_job(job.folder, job.work)


def test_the_process_ends_in_one_line_where_a_folder_is_for_no_job(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "salt_pipeline.pipelines.sweep.training", str(tmp_path), str(tmp_path / "none")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{MARK}{tmp_path / 'none' / JOB}: cannot be read: No such file or directory\n"
