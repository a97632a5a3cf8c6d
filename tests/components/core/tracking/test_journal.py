"""The journal keeps records while a real MLflow server is unreachable."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salt_pipeline.components.core.tracking.tracking import Tracking
from tests.components.core.tracking.work import TIMED, Recorded, logged, work
from tests.servers import MlflowServer


def test_work_continues_without_a_server(nowhere: None, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tracking = Tracking("first")
    assert work(tracking, tmp_path).id is None
    tracking.end_all("FINISHED")
    tracking.close(patience=0)
    assert logged(caplog) == ["MLflow is unreachable, its records are kept for later", "not recorded in MLflow"]
    lost = caplog.messages[-1]
    assert all(what in lost for what in ("epochs", "metrics", "1 x parameters", "1 x files", "status"))


def test_a_server_that_returns_receives_the_missing_records(
    own: MlflowServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    caplog.set_level(logging.INFO, "salt_pipeline")
    own.start()
    tracking = Tracking("first")
    job = tracking.job("lite0", 3)
    job.watch_machine()
    job.epochs(TIMED[:2])
    own.kill()
    assert logged(caplog) == []
    for count in (3, 4):
        job.epochs(TIMED[:count])
    job.params({"seed": 1})
    job.metrics({"oof_score": 0.5})
    missed = time.time()
    (tmp_path / "model.json").write_text("{}")
    job.file(tmp_path / "model.json", "model")
    while job._monitor._process.is_alive():
        time.sleep(0.05)
    own.start()
    while len(logged(caplog)) < 2:
        time.sleep(0.05)
    assert logged(caplog) == ["MLflow is unreachable, its records are kept for later", "MLflow is reachable again"]
    history = tracking.client.get_metric_history(job.id, "score")
    assert [(point.step, point.timestamp) for point in history] == [
        (epoch["epoch"], int(1000 * epoch["ended"])) for epoch in TIMED
    ]
    assert tracking.client.get_metric_history(job.id, "oof_score")[0].timestamp <= 1000 * missed
    assert job._monitor._process.is_alive()
    job.end()
    tracking.close()
    found = tracking.client.get_run(job.id)
    assert (found.info.status, found.data.params) == ("FINISHED", {"seed": "1"})
    assert [file.path for file in tracking.client.list_artifacts(job.id, "model")] == ["model/model.json"]
    assert len(logged(caplog)) == 2


def test_the_end_of_a_job_waits_for_a_server_to_return(
    own: MlflowServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracking = Tracking("first")
    job = work(tracking, tmp_path)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(own.start)
        tracking.close(patience=120)
    assert logged(caplog) == ["MLflow is unreachable, its records are kept for later"]
    found = tracking.client.get_run(job.id)
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"score": 0.4, "loss": 0.25, "oof_score": 0.5}


def test_a_refused_record_does_not_block_the_others(server: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    tracking = Tracking("first")
    deleted, job = tracking.job("lite0", 0), tracking.job("lite0", 1)
    server.client.delete_run(deleted.id)
    deleted.metrics({"oof_score": 0.5})
    job.metrics({"oof_score": 0.5})
    tracking.close()
    assert logged(caplog) == ["MLflow refused to record metrics", "not recorded in MLflow"]
    assert server.client.get_run(job.id).data.metrics == {"oof_score": 0.5}


def test_what_the_user_must_fix_does_not_end_a_job_and_is_caught_up_once_fixed(
    server: Recorded, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deleted = Tracking("first").experiment
    server.client.delete_experiment(deleted)
    tracking = Tracking("second")
    assert work(tracking, tmp_path).id is None
    problem = "MLflow cannot be used, its records are kept, and lost unless this is fixed before the end"
    assert logged(caplog) == [problem]
    assert "mlflow experiments restore" in caplog.messages[-1]
    server.client.restore_experiment(deleted)
    while tracking._journal and tracking._journal.unreachable:
        time.sleep(0.05)
    assert {run.info.status for run in server.runs("job")} == {"FINISHED"}


def test_the_end_of_a_job_does_not_wait_for_what_the_user_must_fix(
    server: Recorded, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.client.delete_experiment(Tracking("first").experiment)
    tracking = Tracking("second")
    work(tracking, tmp_path)
    tracking.close(patience=float("inf"))
    assert logged(caplog)[1:] == ["not recorded in MLflow"]
