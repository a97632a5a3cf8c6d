"""The time in which the containers of a task ran, from successive polls."""

from datetime import UTC, datetime, timedelta
from typing import Any

from salt_pipeline.pipelines.cluster.attempts import Attempt
from salt_pipeline.pipelines.cluster.stopwatch import Stopwatch
from salt_pipeline.pipelines.cluster.tasks import Task


def poll(*moments: Any) -> Any:
    """The seconds of a task at each poll: its attempts as (phase, created, finished), in seconds."""
    stopwatch, began = Stopwatch(), datetime(2026, 1, 2, tzinfo=UTC)

    def at(second: Any) -> Any:
        return None if second is None else began + timedelta(seconds=second)

    found = []
    for now, attempts in moments:
        pods = [Attempt(f"p{i}", phase, at(since), at(until), "") for i, (phase, since, until) in enumerate(attempts)]
        seen = Task("train-fold", 0, "running", tuple(pods))
        stopwatch.look([seen], at(now))
        found.append(stopwatch.seconds(seen))
    return found


def test_waiting_does_not_count_as_running() -> None:
    pending, running = [("Pending", 0, None)], [("Running", 0, None)]
    assert poll((300, pending), (400, pending), (410, running), (500, running)) == [0, 0, 10, 100]
    assert poll((500, running)) == [500]  # nothing is known of the time before the first poll


def test_the_pause_between_attempts_does_not_count() -> None:
    lost = ("Error", 0, 100)
    retry = [lost, ("Pending", 700, None)]
    again = [lost, ("Running", 700, None)]
    assert poll((110, [lost]), (600, [lost]), (750, retry), (760, again)) == [100, 100, 100, 110]
    assert poll((800, [("Failed", 0, None)])) == [0]


def test_time_never_goes_backwards() -> None:
    assert poll((50, [("Running", 0, None)]), (60, [("Succeeded", 0, 45)])) == [50, 50]
