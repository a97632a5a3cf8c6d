"""Helpers of the tests of the tracking: a job's record, the runs on a server, and the journal's log lines."""

import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.errors import NOTICE
from salt_pipeline.components.core.tracking.run import TrackedRun
from salt_pipeline.components.core.tracking.tracking import Tracking

HISTORY: list[dict[str, float]] = [{"epoch": epoch, "loss": 1 / epoch, "score": epoch / 10} for epoch in range(1, 5)]

HOUR_AGO = time.time() - 3600

TIMED: list[dict[str, float]] = [{**epoch, "ended": HOUR_AGO + epoch["epoch"]} for epoch in HISTORY]


class Recorded:
    """The runs of an experiment on a server."""

    def __init__(self, address: str, experiment: str) -> None:
        self.client: Any = MlflowClient(address)
        self._experiment = experiment

    def runs(self, kind: str | None = None) -> list[Any]:
        experiment = self.client.get_experiment_by_name(self._experiment)
        found = self.client.search_runs([experiment.experiment_id]) if experiment else []
        return [run for run in found if kind in (None, run.data.tags["salt.kind"])]

    def epochs(self, run_id: str | None) -> list[tuple[int, float]]:
        return [(point.step, point.value) for point in self.client.get_metric_history(run_id, "score")]


def work(tracking: Tracking, tmp_path: Path) -> TrackedRun:
    """Records everything that a job records."""
    job = tracking.job("lite0", 3)
    job.params({"seed": 1})
    for count in range(1, 5):
        job.epochs(HISTORY[:count])
    job.metrics({"oof_score": 0.5})
    path = tmp_path / "model.json"
    path.write_text("{}")
    job.file(path, "model")
    job.end()
    return job


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The journal's log lines, each without its mark and up to its first colon."""
    texts = [record.getMessage() for record in caplog.records if record.name.endswith("tracking.journal")]
    assert not any("\n" in text for text in texts)
    return [text.removeprefix(NOTICE).split(":")[0] for text in texts]
