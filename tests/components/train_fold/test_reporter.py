import json
import logging
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.reporter import Reporter

JOB: dict[str, str | int] = {"config_hash": "c", "data_hash": "d", "encoder": "resnet18", "fold": 2}
EPOCH = {"epoch": 1, "phase": 1, "loss": 0.25, "score": 0.75, "seconds": 3.0}

Histories = list[list[dict[str, float]]]


class Reports:
    """A reporter of three epochs, the file it writes, and the histories that it passed on."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "job" / "progress.json"
        self.histories: Histories = []
        self.reporter = Reporter(self.path, JOB, 3, lambda history: self.histories.append([*history]))

    def written(self) -> Any:
        return json.loads(self.path.read_text())


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path)


def test_the_end_of_an_epoch_is_written_passed_on_and_logged(
    reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with reports.reporter as report:
        report(Progress(JOB, epoch=1, history=[EPOCH]), 1.0)
    assert reports.written() == {**JOB, "done": 1, "epochs": 3, "loss": 0.25, "score": 0.75}
    assert reports.histories == [[EPOCH]]
    assert "resnet18 fold 2: epoch 1 of 3, phase 1, loss 0.2500, metric 0.7500, 3 s" in caplog.messages


def test_within_an_epoch_its_fraction_is_written(reports: Reports) -> None:
    with reports.reporter as report:
        report.written = float("-inf")  # the last report was long ago
        report(Progress(JOB), 0.25)
        assert reports.written() == {**JOB, "done": 0.25, "epochs": 3, "loss": None, "score": None}
        report.written = float("-inf")
        report(Progress(JOB, epoch=1, history=[EPOCH]), 0.5)
        assert reports.written() == {**JOB, "done": 1.5, "epochs": 3, "loss": 0.25, "score": 0.75}
    assert reports.histories == []


def test_soon_after_a_report_only_the_end_of_an_epoch_is_written(reports: Reports) -> None:
    with reports.reporter as report:
        report.written = float("inf")  # the last report was just now, on a slow machine too
        report(Progress(JOB), 0.5)
        assert not reports.path.exists()
        report(Progress(JOB, epoch=1, history=[EPOCH]), 1.0)
        assert reports.written()["done"] == 1
