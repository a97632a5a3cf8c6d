from pathlib import Path

from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.job_files import JobKey
from salt_pipeline.components.core.jobs import in_loop
from salt_pipeline.pipelines.display.run_table import job_name
from salt_pipeline.pipelines.local.dry_run import planned
from salt_pipeline.pipelines.local.folder import RunFolder
from tests.components.network.tiny import HASH, write_survey
from tests.pipelines.local.test_folder import finish


def test_a_new_run_runs_every_task(folder: RunFolder) -> None:
    tasks = dict(planned(folder, folder.config))
    jobs = [job_name(job) for job in in_loop(folder.config)]
    looped = [f"{task} {job}" for task in ("train-fold", "predict") for job in jobs]
    assert [*tasks] == ["ingest", "fold-split", *looped, "ensemble", "submission", "report"]
    assert set(tasks.values()) == {"runs"}


def test_finished_tasks_come_from_the_cache_and_nothing_is_written(folder: RunFolder) -> None:
    finish(folder, "ingest", {"dataset": "rows"})
    before = sorted(folder.path.rglob("*"))
    assert next(planned(folder, folder.config)) == ("ingest", "finished: taken from the cache")
    assert sorted(folder.path.rglob("*")) == before


def test_a_job_that_was_interrupted_resumes_after_its_last_epoch(folder: RunFolder) -> None:
    (folder.path / "ingest").mkdir()
    write_survey(folder.path / "ingest")
    job = in_loop(folder.config)[0]
    place = Path(JobKey(folder.config.hash, HASH, *job).folder(folder.checkpoints))
    write_json(place / "progress.json", {"done": 1, "epochs": 2})
    tasks = dict(planned(folder, folder.config))
    assert tasks.pop(f"train-fold {job_name(job)}") == "resumes after epoch 1 of 2"
    assert set(tasks.values()) == {"runs"}
