"""One run on a real MLflow server."""

import time

import pytest

from salt_pipeline.components.core.tracking.tracking import Tracking
from tests.components.core.tracking.work import HISTORY, Recorded


def test_a_restarted_job_resumes_its_run(server: Recorded) -> None:
    first = Tracking("first").job("lite0", 0)
    first.params({"seed": 1})
    first.epochs(HISTORY[:2])
    again = Tracking("first").job("lite0", 0)
    again.params({"seed": 1, "device": "cpu"})
    again.epochs(HISTORY)
    assert again.id == first.id
    assert [step for step, _ in server.epochs(first.id)] == [1, 2, 3, 4]
    assert server.client.get_run(first.id).data.params == {"seed": "1", "device": "cpu"}
    assert len(server.runs()) == 2


def test_system_metrics_are_recorded_until_the_run_ends(server: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    job = Tracking("first").job("lite0", 0)
    job.watch_machine()
    deadline = time.monotonic() + 60
    name = "system/system_memory_usage_megabytes"
    while not server.client.get_metric_history(job.id, name):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    job.end()
    seen = len(server.client.get_metric_history(job.id, name))
    time.sleep(0.5)
    assert len(server.client.get_metric_history(job.id, name)) == seen
