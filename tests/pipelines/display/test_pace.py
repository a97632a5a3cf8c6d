import pytest

from salt_pipeline.pipelines.display.pace import Pace, remaining, words
from salt_pipeline.pipelines.display.run_table import Row


@pytest.mark.parametrize(
    ("first", "done", "total", "left"),
    [(0, 0, 20, None), (0, 0.3, 20, None), (10, 14, 20, 180), (10, 20, 20, None), (0, 15, 20, 40), (0, 0, 0, None)],
    ids=["no pace yet", "first steps", "resumed", "ended", "begun", "unknown"],
)
def test_the_rest_of_a_training_follows_from_its_pace(first: float, done: float, total: float, left: float) -> None:
    assert remaining(120, first, done, total) == left


@pytest.mark.parametrize(
    ("elapsed", "left", "waiting", "text"),
    [
        (0.2, None, 0, "0:00:00 elapsed"),
        (120, 180.0, 0, "0:02:00 elapsed, training ends in about 0:03:00"),
        (120, 0.3, 1, "0:02:00 elapsed, training ends in about 0:00:01, 1 job waits"),
        (5, None, 10, "0:00:05 elapsed, 10 jobs wait"),
    ],
)
def test_the_words(elapsed: float, left: float | None, waiting: int, text: str) -> None:
    assert words(elapsed, left, waiting) == text


def jobs(first: float) -> list[Row]:
    return [
        Row("ingest", state="succeeded"),
        Row("a/fold0", "train-fold", "running", progress={"done": first, "epochs": 4}),
        Row("a/fold1", "predict", "running"),
        Row("a/fold2"),
        Row("report"),
    ]


def test_the_jobs_of_a_run_give_its_pace() -> None:
    pace = Pace()
    assert pace.words(jobs(1), 4, 60) == "0:01:00 elapsed, 1 job waits"
    assert pace.words(jobs(2), 4, 60).startswith("0:01:00 elapsed, training ends in about 0:00:0")
    assert pace.words(jobs(2), None, 60) == "0:01:00 elapsed, 1 job waits"


def test_of_a_run_that_has_ended_no_job_waits() -> None:
    pace = Pace()
    pace.words(jobs(1), 4)
    assert pace.words(jobs(2), 4, 60, ended=True) == "0:01:00 elapsed"


def test_without_another_time_a_run_began_when_it_is_first_seen() -> None:
    assert Pace().words([], 4) == "0:00:00 elapsed"
