"""Trainings in processes of their own: finished ones are not repeated, failed ones do not stop the others."""

from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.sweep.pool import run_jobs
from tests.pipelines.sweep.finished import jobs_with, trained


def test_a_finished_job_is_not_trained_again(work: Path) -> None:
    jobs = trained(work, widths=[50] * 8)
    before = [(job.folder / "oof.parquet").stat().st_mtime_ns for job in jobs]

    run_jobs(jobs, 1, "1")

    assert [(job.folder / "oof.parquet").stat().st_mtime_ns for job in jobs] == before


def test_a_training_that_fails_is_logged_and_does_not_stop_the_others(
    work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    with pytest.raises(SaltError) as failed:  # there is no file of folds
        run_jobs(jobs_with(work), 2, "1")

    assert str(failed.value).startswith("2 of 2 trainings failed\n  - ")
    assert "folds-" in str(failed.value)
    logged = [record.getMessage() for record in caplog.records]
    assert [line[:18] for line in logged] == ["1 of 2 trainings: ", "2 of 2 trainings: "]
    assert all("failed: " in line and "exit code 2" in line for line in logged)


def test_jobs_that_differ_after_the_prediction_are_one(work: Path, caplog: pytest.LogCaptureFixture) -> None:
    jobs = [*jobs_with(work)[:1], *jobs_with(work, "submission.min_area=0")[:1]]
    with pytest.raises(SaltError, match="1 of 1 trainings failed"):
        run_jobs(jobs, 2, "1")
