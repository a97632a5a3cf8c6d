"""Against a real MLflow server, which some tests end in the middle."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient

from components.core.config import option_text
from components.core.experiment import NOTE
from components.core.tracking import Tracking
from components.report.record import record

HISTORY = [{"epoch": epoch, "loss": 1 / epoch, "score": epoch / 10} for epoch in range(1, 5)]


def start_server(folder):
    """Starts `mlflow server` on a free port; its process and its address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/files"]
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # its workers are seven processes more
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    for _ in range(900):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return process, address
        except OSError:
            time.sleep(0.1)
    end_server(process)
    raise AssertionError((folder / "server.log").read_text())


def end_server(process):
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    process, address = start_server(tmp_path_factory.mktemp("mlflow"))
    yield address
    end_server(process)


@pytest.fixture
def server(address, monkeypatch, request):
    """The server, under an experiment of the test's own, and what is found on it."""
    name = request.node.name
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    client = MlflowClient(address)

    def runs(kind=None):
        experiment = client.get_experiment_by_name(name)
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        return [run for run in found if kind in (None, run.data.tags["salt.kind"])]

    def epochs(run_id):
        return [(point.step, point.value) for point in client.get_metric_history(run_id, "score")]

    return SimpleNamespace(client=client, runs=runs, epochs=epochs)


@pytest.fixture
def nowhere(monkeypatch):
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{taken.getsockname()[1]}")
        yield


def work(tracking, tmp_path):
    """All that a job says of itself."""
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


def test_a_job_is_nested_in_its_pipeline(server, tmp_path):
    tracking = Tracking("first")
    parent = tracking.parent()
    job = work(tracking, tmp_path)
    tracking.close()
    (pipeline,), (nested,) = server.runs("pipeline"), server.runs("job")
    assert (pipeline.info.run_id, nested.info.run_id) == (parent.id, job.id)
    assert nested.data.tags["mlflow.parentRunId"] == parent.id
    assert nested.info.run_name == "f3 lite0"
    assert nested.info.status == "FINISHED"
    assert nested.data.params == {"seed": "1"}
    assert nested.data.metrics == {"score": 0.4, "loss": 0.25, "oof_score": 0.5}
    assert server.epochs(job.id) == [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)]
    assert [file.path for file in server.client.list_artifacts(job.id, "model")] == ["model/model.json"]


def test_a_job_begun_again_goes_on_in_its_run(server):
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


def test_runs_jobs_and_pipelines_are_kept_apart(server):
    jobs = [("a", "x", 0), ("a", "x", 1), ("a", "y", 0), ("b", "x", 0)]
    ids = {Tracking(run).job(encoder, fold).id for run, encoder, fold in jobs}
    assert len(ids) == len(server.runs("job")) == 4
    assert len(server.runs("pipeline")) == 2


def test_jobs_that_begin_at_once_share_one_parent(server):
    def begin(fold):
        tracking = Tracking("first")
        return tracking.parent().id, tracking.job("lite0", fold % 2).id

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(begin, range(4)))
    assert len({parent for parent, _ in found}) == len(server.runs("pipeline")) == 1
    assert len({job for _, job in found}) == len(server.runs("job")) == 2


def test_what_was_stopped_is_said_to_be_and_runs_again(server):
    tracking = Tracking("first")
    done, stopped = tracking.job("lite0", 0), tracking.job("lite0", 1)
    done.end()
    ended = server.client.get_run(done.id).info.end_time
    tracking.end_all("KILLED")
    assert {run.info.status for run in server.runs("pipeline")} == {"KILLED"}
    assert server.client.get_run(stopped.id).info.status == "KILLED"
    again = Tracking("first")
    assert again.job("lite0", 1).id == stopped.id
    assert {run.info.status for run in server.runs("pipeline")} == {"RUNNING"}
    assert server.client.get_run(stopped.id).info.status == "RUNNING"
    again.job("lite0", 0).end()
    again.end_all("FINISHED")
    assert {run.info.status for run in server.runs()} == {"FINISHED"}
    assert server.client.get_run(done.id).info.end_time == ended


def test_the_report_fills_in_what_jobs_left_out(server, tmp_path):
    Tracking("first").job("lite0", 0).epochs(HISTORY[:3])
    curves = []
    for fold in (0, 1):
        curve = {"encoder": "lite0", "fold": fold, "data_hash": "d", "config_hash": "c", "seconds": 2.5,
                 "device": ["cpu", "NVIDIA H100"][fold]}  # fmt: skip
        curves.append(str(tmp_path / f"{fold}.json"))
        (tmp_path / f"{fold}.json").write_text(json.dumps({**curve, "epochs": HISTORY}))
    (tmp_path / "x7").write_text("# card")
    scores = {"score": 0.8, "score_low": 0.75, "score_high": 0.85}
    for _ in range(2):
        origin = {"preset": "quick", "images": "", "kfp_ui": "http://ui", "kfp_run": "3f2a", "git_revision": "5a5a+"}
        facts = record("first", {}, curves, scores, {"report.md": str(tmp_path / "x7")}, origin)
    jobs, (pipeline,) = server.runs("job"), server.runs("pipeline")
    assert sorted(run.data.tags["salt.fold"] for run in jobs) == ["0", "1"]
    assert all([step for step, _ in server.epochs(run.info.run_id)] == [1, 2, 3, 4] for run in jobs)
    assert {run.info.status for run in [*jobs, pipeline]} == {"FINISHED"}
    assert facts == {"mlflow_run_id": pipeline.info.run_id}
    assert pipeline.data.metrics == {**scores, "training_seconds": 5, "gpu_hours": 2.5 / 3600}
    assert pipeline.data.tags["salt.preset"] == "quick"
    assert pipeline.data.tags["salt.kfp_link"] == "http://ui/#/runs/details/3f2a"
    assert pipeline.data.tags["mlflow.source.git.commit"] == "5a5a"
    assert not {"salt.images", "salt.kfp_ui"} & pipeline.data.tags.keys()
    assert pipeline.data.params["train.epochs"] == "120"
    assert pipeline.data.tags[NOTE] == "**0.8000** out of fold, 95 % interval 0.7500 to 0.8500\n\n# card"
    assert pipeline.data.tags["mlflow.source.name"] == "salt run"
    assert all([used.dataset.digest for used in run.inputs.dataset_inputs] == ["d"] for run in [*jobs, pipeline])
    assert [file.path for file in server.client.list_artifacts(pipeline.info.run_id)] == ["config.json", "report.md"]


def test_what_somebody_wrote_of_the_experiment_stays(server):
    first = Tracking("first").experiment
    assert "salt.kind" in server.client.get_experiment(first).tags[NOTE]
    server.client.set_experiment_tag(first, NOTE, "ours")
    Tracking("second")
    assert server.client.get_experiment(first).tags[NOTE] == "ours"


def test_options_are_written_for_people():
    assert option_text([{"name": "lite0", "weight": 0.3}, {"name": "lite1", "weight": 0.7}]) == "lite0 0.3, lite1 0.7"
    for value, text in ((True, "True"), (1e-4, "0.0001"), ([1, 2], "1, 2"), ("stop", "stop")):
        assert option_text(value) == text


def test_two_parents_that_a_slow_server_let_be_become_one(server):
    tracking = Tracking("first")
    oldest = tracking.parent()
    second = server.client.create_run(tracking.experiment, tags={"salt.run": "first", "salt.kind": "pipeline"})
    stray = tracking.job("lite0", 0)
    server.client.set_tag(stray.id, "mlflow.parentRunId", second.info.run_id)
    other = Tracking("other").parent()
    tracking.unite()
    assert {run.info.run_id for run in server.runs("pipeline")} == {oldest.id, other.id}
    assert server.client.get_run(stray.id).data.tags["mlflow.parentRunId"] == oldest.id


def test_the_machine_is_watched_until_the_run_ends(server, monkeypatch):
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


@pytest.mark.parametrize(("run", "uri"), [("first", None), ("", "http://127.0.0.1:9")])
def test_nobody_asked_for_tracking(monkeypatch, tmp_path, caplog, run, uri):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracking = Tracking(run)
    assert work(tracking, tmp_path).id is None
    tracking.end_all("FINISHED")
    tracking.close()
    assert not caplog.records


def test_without_a_server_work_goes_on(nowhere, tmp_path, caplog):
    tracking = Tracking("first")
    assert work(tracking, tmp_path).id is None
    tracking.end_all("FINISHED")
    tracking.close()
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    said = [text for text in warnings if text.startswith(("MLflow is away", "not recorded"))]
    assert len(said) == 2
    assert "\n" not in said[0]
    assert all(what in said[1] for what in ("epochs", "metrics", "1 x parameters", "1 x files", "status"))


def test_the_report_does_not_need_a_server(nowhere, tmp_path):
    curve = tmp_path / "curve.json"
    facts = {"encoder": "lite0", "fold": 0, "data_hash": "d", "config_hash": "c", "seconds": 1, "device": "cpu",
             "epochs": HISTORY}  # fmt: skip
    curve.write_text(json.dumps(facts))
    assert record("first", {}, [str(curve)], {"score": 1}, {"c.json": str(curve)}) == {"mlflow_run_id": ""}


def test_a_server_may_die_in_the_middle(tmp_path, monkeypatch, caplog):
    process, address = start_server(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    try:
        tracking = Tracking("first")
        job = tracking.job("lite0", 3)
        job.epochs(HISTORY[:2])
    finally:
        end_server(process)
    assert not caplog.records
    job.epochs(HISTORY)
    work(tracking, tmp_path)
    tracking.close()
    said = [text for text in caplog.messages if text.startswith(("MLflow is away", "not recorded"))]
    assert [text.split(":")[0] for text in said] == ["MLflow is away, going on without it", "not recorded in MLflow"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    back = Tracking("first").job("lite0", 3)
    assert back.id == job.id
    back.epochs(HISTORY)
    history = back.tracking.client.get_metric_history(job.id, "score")
    assert [point.step for point in history] == [1, 2, 3, 4]
