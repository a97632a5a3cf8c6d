"""The rows of a run: stages, and jobs by encoder and fold."""

from datetime import UTC, datetime
from typing import Any

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.stages import TASKS_OF_SWEEP
from salt_pipeline.pipelines.cluster.rows import rows
from salt_pipeline.pipelines.cluster.stopwatch import Stopwatch
from salt_pipeline.pipelines.cluster.tasks import read_tasks
from salt_pipeline.pipelines.display.run_table import as_line
from tests.pipelines.argo import workflow

NOW = datetime(2026, 1, 2, 3, 6, 5, tzinfo=UTC)


JOBS = [Job("a", 0), Job("a", 1), Job("b", 0), Job("b", 1)]


def shown(tasks: Any, progress: Any = None, jobs: Any = JOBS) -> Any:
    """The rows of tasks after one poll."""
    stopwatch = Stopwatch()
    stopwatch.look(tasks, NOW)
    return rows(tasks, jobs, progress or {}, stopwatch.seconds)


def test_every_stage_and_job_has_a_row_from_the_beginning() -> None:
    names = [row.name for row in shown([])]
    jobs = ["a/fold0", "a/fold1", "b/fold0", "b/fold1"]
    assert names == ["ingest", "fold-split", *jobs, "ensemble", "submission", "report"]
    assert {row.state for row in shown([])} == {"waiting"}


def test_a_sweep_has_rows_of_its_own_tasks() -> None:
    tasks = read_tasks(workflow({("train-fold", 1): ["Running"], ("compare-settings", None): "driver"}))
    jobs = [Job("a", 0), Job("a train.epochs=3", 0)]
    found = rows(tasks, jobs, {}, lambda _: 1.0, TASKS_OF_SWEEP)
    assert [(row.name, row.state) for row in found] == [
        ("ingest", "waiting"),
        ("fold-split", "waiting"),
        ("a/fold0", "waiting"),
        ("a train.epochs=3/fold0", "running"),
        ("compare-settings", "starting"),
    ]


def test_the_row_of_a_job_adds_up_training_and_prediction() -> None:
    tasks = read_tasks(workflow({("train-fold", 2): ["Failed", "Succeeded"], ("predict", 2): ["Running"]}))
    progress = {("b", 0): {"done": 7.5, "epochs": 10, "score": 0.81234}}
    row = next(row for row in shown(tasks, progress) if row.name == "b/fold0")
    assert (row.doing, row.state, row.retries, row.remark) == ("predict", "running", 1, "epoch 7/10, metric 0.8123")
    assert row.seconds == 2 * 61 + 120
    assert as_line(row) == "b/fold0: predict: running, retry 1, 0:04:02, epoch 7/10, metric 0.8123"


def test_a_job_between_two_attempts_reports_the_lost_one() -> None:
    tasks = read_tasks(workflow({("train-fold", 1): ["Error"]}))
    row = next(row for row in shown(tasks, {("a", 1): {"done": 1.0, "epochs": 2}}) if row.name == "a/fold1")
    assert as_line(row) == "a/fold1: train-fold: retrying, 0:01:01, attempt 1 of 3: pod deleted"


def test_a_job_of_an_unknown_configuration_has_the_number_of_its_iteration() -> None:
    tasks = read_tasks(workflow({("train-fold", i): ["Running"] for i in range(2)}))
    assert [row.name for row in shown(tasks, jobs=[])][2:4] == ["iteration/fold0", "iteration/fold1"]


def test_a_job_whose_training_failed_shows_the_training_and_not_the_skipped_prediction() -> None:
    flow = workflow({("train-fold", 0): ["Failed"] * 3, ("predict", 0): "omitted"})
    (row,) = (row for row in shown(read_tasks(flow), jobs=[("lite0", 0)]) if row.name == "lite0/fold0")
    assert (row.doing, row.state, row.seconds) == ("train-fold", "failed", 3 * 61)
