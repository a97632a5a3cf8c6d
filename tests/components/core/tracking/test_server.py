"""The SQLite file that jobs create together, and the time limits of uploads."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.environment_variables import (
    MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD,
    MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD,
    MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER,
)

from salt_pipeline.components.core.tracking.failures import TrackingError
from salt_pipeline.components.core.tracking.server import CERTIFICATES, TOKEN, open_client, patient_uploads
from salt_pipeline.components.core.tracking.tracking import Tracking
from tests.components.core.tracking.work import HISTORY


def record_job(fold: int, barrier: Any) -> None:
    """Records one of several jobs that start together, each in its own process."""
    barrier.wait()
    tracking = Tracking("first")
    job = tracking.job("lite0", fold)
    job.params({"seed": 1})
    job.epochs(HISTORY[:1])
    job.end()
    tracking.close(patience=120)


def test_jobs_that_create_an_sqlite_file_together_are_all_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/new/mlflow.db")
    processes = multiprocessing.get_context("forkserver")  # no process imports the modules again
    processes.set_forkserver_preload([__name__, "mlflow.store.tracking.sqlalchemy_store"])
    barrier = processes.Barrier(10)
    jobs = [processes.Process(target=record_job, args=(fold, barrier)) for fold in range(10)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 10
    client = MlflowClient()
    (experiment,) = client.search_experiments(filter_string="name = 'salt'")
    found = client.search_runs([experiment.experiment_id], "tags.`salt.kind` = 'job'")
    assert sorted(int(run.data.tags["salt.fold"]) for run in found) == list(range(10))
    assert {run.info.status for run in found} == {"FINISHED"}
    assert all(run.data.metrics == {"loss": 1.0, "score": 0.1} for run in found)
    assert all(run.data.params == {"seed": "1"} for run in found)


def test_only_uploads_have_a_longer_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    monkeypatch.setenv(name, "10")
    with patient_uploads():
        assert os.environ[name] == "600"
    assert os.environ[name] == "10"


def test_files_pass_through_the_server_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    downloads, uploads = MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD, MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD
    for variable in (downloads, uploads):
        monkeypatch.delenv(variable.name, raising=False)
    open_client(f"sqlite:///{tmp_path}/mlflow.db")
    # A server with an object store offers both by default, and MLflow's client then asks the store itself.
    assert [(one.is_set(), one.get()) for one in (downloads, uploads)] == [(True, False)] * 2
    monkeypatch.setenv(downloads.name, "true")
    open_client(f"sqlite:///{tmp_path}/mlflow.db")
    assert downloads.get() is True


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Variables of MLflow that a test may change."""
    for name in (CERTIFICATES, TOKEN, "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    return monkeypatch


def test_no_answer_of_a_server_lets_the_client_sleep_for_hours(variables: pytest.MonkeyPatch) -> None:
    open_client("http://127.0.0.1:9")
    assert MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER.get() is False


def test_an_empty_variable_is_not_set(variables: pytest.MonkeyPatch) -> None:
    variables.setenv(CERTIFICATES, "")  # MLflow would switch the check of certificates off
    variables.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "")
    open_client("http://127.0.0.1:9")
    assert CERTIFICATES not in os.environ
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "10"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (CERTIFICATES, "/no/such.pem", rf"^{CERTIFICATES}: no such file \(found /no/such.pem\)$"),
        (TOKEN, "secret-word\n", f"^{TOKEN}: holds a blank, a line break"),
    ],
)
def test_a_setting_that_can_never_work_is_final(
    variables: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    variables.setenv(name, value)
    with pytest.raises(TrackingError, match=problem) as caught:
        open_client("http://127.0.0.1:9")
    assert not caught.value.passing
    assert "secret-word" not in str(caught.value)


def test_a_file_gets_its_name_only_with_all_tables(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/mlflow.db"
    code = (
        "import os, signal, mlflow.store.db.utils as tables\n"
        "tables._upgrade_db = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from salt_pipeline.components.core.tracking.server import open_client\n"
        f"open_client({address!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "mlflow.db").exists()
    open_client(address).create_experiment("made")
    left = {path.name for path in tmp_path.iterdir()} - {"mlflow.db"}
    assert all(name.startswith(".mlflow.db.") for name in left), "later writers in the folder remove it"
