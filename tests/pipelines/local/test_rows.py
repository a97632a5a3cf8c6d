from typing import Any

from salt_pipeline.components.core.jobs import Job, in_loop
from salt_pipeline.pipelines.display.run_table import Row
from salt_pipeline.pipelines.local.folder import Stage
from salt_pipeline.pipelines.local.rows import lines, rows
from salt_pipeline.pipelines.presets import preset_config

CONFIG = preset_config("smoke")
FIRST, *OTHERS = in_loop(CONFIG)
NAME = "lite1/fold0"
INGEST = Stage("ingest", 4.2, "ingest/dataset.parquet")
SPLIT = Stage("fold-split", 1.0, "fold_split/folds.parquet")


def of_job(name: str, seconds: float, job: Job = FIRST) -> Stage:
    folder, file = {"train-fold": ("train_fold", "curve.json"), "predict": ("predict", "maps.parquet")}[name]
    return Stage(name, seconds, f"{folder}/{job.encoder}/fold{job.fold}/{file}")


def none(_: Job) -> dict[str, Any]:
    return {}


def shown(*stages: Stage, progress: dict[str, Any] | None = None, ended: bool = False) -> dict[str, Row]:
    """The rows, where only the first job of the loop has written its progress."""
    read = {FIRST: progress or {}}
    return {row.name: row for row in rows(CONFIG, list(stages), lambda job: read.get(job, {}), ended)}


def test_rows_hold_every_stage_and_job_in_the_pipelines_order() -> None:
    jobs = ["lite1/fold0", "lite1/fold1", "lite0/fold0", "lite0/fold1"]
    assert list(shown()) == ["ingest", "fold-split", *jobs, "ensemble", "submission", "report"]


def test_the_first_stage_that_has_not_finished_is_running() -> None:
    assert [row.state for row in shown().values()] == ["running", *["waiting"] * 8]
    found = shown(INGEST)
    assert (found["ingest"].state, found["ingest"].seconds) == ("succeeded", 4.2)
    assert (found["fold-split"].state, found["ensemble"].state) == ("running", "waiting")
    everything = [of_job(name, 1, job) for name in ("train-fold", "predict") for job in (FIRST, *OTHERS)]
    assert shown(INGEST, SPLIT, *everything)["ensemble"].state == "running"


def test_a_job_first_trains_and_then_predicts() -> None:
    state = {"done": 0.5, "epochs": 2, "loss": None, "score": None}
    assert shown(INGEST, SPLIT)[NAME].status == "waiting"
    assert shown(INGEST, SPLIT, progress=state)[NAME].status == "train-fold: running"
    trained = shown(INGEST, SPLIT, of_job("train-fold", 60), progress=state)[NAME]
    assert (trained.status, trained.seconds, trained.progress) == ("predict: running", 60, state)
    done = shown(INGEST, SPLIT, of_job("train-fold", 60), of_job("predict", 5))[NAME]
    assert (done.status, done.seconds) == ("predict: succeeded", 65)


def test_a_task_that_ran_when_the_process_ended_is_not_finished() -> None:
    state = {"done": 0.5, "epochs": 2}
    found = shown(INGEST, SPLIT, progress=state, ended=True)
    assert found[NAME].status == "train-fold: not finished"
    assert found["ensemble"].state == "waiting"
    assert shown(ended=True)["ingest"].state == "not finished"


def test_a_line_for_each_finished_task_each_beginning_and_each_epoch() -> None:
    progress: dict[str, Any] = {}
    stages = [INGEST]

    def text() -> list[str]:
        return [line.text for line in lines(CONFIG, stages, lambda job: progress if job == FIRST else {})]

    finished = ["ingest: done in 4 s"]
    assert text() == finished
    progress |= {"done": 0.5, "epochs": 2, "loss": None, "score": None}
    begun = [*finished, "f0 lite1: training begins"]
    assert text() == begun
    progress |= {"done": 1.5, "loss": 0.7, "score": 0.4}
    epoch = "f0 lite1: epoch 1 of 2, loss 0.7000, metric 0.4000"
    assert text() == [*begun, epoch]
    stages.append(of_job("train-fold", 60.4))
    assert text() == [*finished, "train-fold f0 lite1: done in 60 s", epoch]


def test_the_state_of_an_epochs_line_changes_with_the_epoch() -> None:
    def state(done: float) -> list[object]:
        read = {FIRST: {"done": done, "epochs": 2, "loss": 0.7, "score": 0.4}}
        return [line.state for line in lines(CONFIG, [], lambda job: read.get(job, {})) if "epoch" in line.text]

    assert state(1) == state(1.5) != state(2)
    assert list(lines(CONFIG, [], none)) == []
