from types import SimpleNamespace
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.report.times import stage_times, task_seconds
from tests.components.report.page.test_curves import made_curve


def artifact(**metadata: Any) -> Any:
    return SimpleNamespace(metadata=metadata)


def test_durations_are_read_from_artifacts_in_the_order_of_the_stages() -> None:
    seconds = task_seconds(
        submission=[artifact(stage_seconds="5.0")],
        ensemble=[artifact(stage_seconds="8.5", predict_seconds="40.0 41.5")],
        train_fold=[artifact(stage_seconds="100.0"), artifact(stage_seconds="90.0")],
        ingest=[artifact()],
    )
    assert list(seconds.items()) == [
        ("train_fold", [100, 90]),
        ("predict", [40, 41.5]),
        ("ensemble", [8.5]),
        ("submission", [5]),
    ]


@pytest.mark.parametrize("text", ["nan", "-5", "x", "1_0"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SaltError, match=r"is not a (duration|number)"):
        task_seconds(ensemble=[artifact(stage_seconds=text)])


def test_a_stage_sums_the_durations_of_its_tasks() -> None:
    curve = made_curve("a", 0, [1]).model_copy(update={"peak_memory_bytes": 2**30})
    smaller = made_curve("a", 1, [1]).model_copy(update={"peak_memory_bytes": 2**20})
    ingest, train = stage_times({"train_fold": [3, 4], "ingest": [1]}, {Job("a", 0): curve, Job("a", 1): smaller})
    assert (ingest.name, ingest.tasks, ingest.peak_memory) == ("ingest", 1, None)
    assert (train.tasks, train.total, train.longest, train.peak_memory) == (2, 7, 4, 2**30)


def test_without_artifacts_the_training_times_are_those_of_the_curves() -> None:
    (only,) = stage_times({}, {Job("a", 0): made_curve("a", 0, [1])})
    assert (only.name, only.total, only.peak_memory) == ("train_fold", 1, None)
