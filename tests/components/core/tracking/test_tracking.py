"""Against a real MLflow server, which some tests end in the middle."""

import json
import logging
import multiprocessing
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.config.config import option_text
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.components.report import mlflow_record as recording
from salt_pipeline.components.report.mlflow_record import record
from tests.servers import MlflowServer

HISTORY = [{"epoch": epoch, "loss": 1 / epoch, "score": epoch / 10} for epoch in range(1, 5)]


@pytest.fixture(scope="module")
def address(tmp_path_factory, empty_mlflow):
    folder = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_mlflow, folder)
    with MlflowServer(folder) as server:
        yield server.address


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


def said(caplog):
    """What the journal told, up to the first colon of each line."""
    texts = [record.getMessage() for record in caplog.records if record.name.endswith("tracking.journal")]
    assert not any("\n" in text for text in texts)
    return [text.split(":")[0] for text in texts]


def test_without_a_server_work_goes_on(nowhere, tmp_path, caplog):
    tracking = Tracking("first")
    assert work(tracking, tmp_path).id is None
    tracking.end_all("FINISHED")
    tracking.close(patience=0)
    assert said(caplog) == ["MLflow is unreachable, its records are kept for later", "not recorded in MLflow"]
    lost = caplog.messages[-1]
    assert all(what in lost for what in ("epochs", "metrics", "1 x parameters", "1 x files", "status"))


def test_the_report_does_not_need_a_server(nowhere, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "PATIENCE", 0)
    curve = tmp_path / "curve.json"
    facts = {"encoder": "lite0", "fold": 0, "data_hash": "d", "config_hash": "c", "seconds": 1, "device": "cpu",
             "epochs": HISTORY}  # fmt: skip
    curve.write_text(json.dumps(facts))
    assert record("first", {}, [str(curve)], {"score": 1}, {"c.json": str(curve)}) == {"mlflow_run_id": ""}


HOUR_AGO = time.time() - 3600
TIMED = [{**epoch, "ended": HOUR_AGO + epoch["epoch"]} for epoch in HISTORY]


@pytest.fixture
def own(tmp_path, monkeypatch, empty_mlflow):
    """A server of the test's own, to be stopped and started; not running yet."""
    shutil.copy(empty_mlflow, tmp_path)
    server = MlflowServer(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    yield server
    server.kill()


def test_a_server_that_comes_back_gets_what_it_missed(own, tmp_path, caplog, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    caplog.set_level(logging.INFO, "components")
    own.start()
    tracking = Tracking("first")
    job = tracking.job("lite0", 3)
    job.watch_machine()
    job.epochs(TIMED[:2])
    own.kill()
    assert said(caplog) == []
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
    while len(said(caplog)) < 2:
        time.sleep(0.05)
    assert said(caplog) == [
        "MLflow is unreachable, its records are kept for later", "MLflow is reachable again"
    ]  # fmt: skip
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
    assert len(said(caplog)) == 2


def test_the_end_of_a_job_waits_for_a_server_that_comes_back(own, tmp_path, caplog):
    tracking = Tracking("first")
    job = work(tracking, tmp_path)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(own.start)
        tracking.close(patience=120)
    assert said(caplog) == ["MLflow is unreachable, its records are kept for later"]
    found = tracking.client.get_run(job.id)
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"score": 0.4, "loss": 0.25, "oof_score": 0.5}


@pytest.mark.parametrize("seen", [True, False], ids=["away at the end", "away for the whole run"])
def test_the_report_brings_in_what_jobs_could_not(server, tmp_path, caplog, monkeypatch, seen):
    if seen:
        Tracking("first").job("lite0", 3)
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        tracking = Tracking("first")
        work(tracking, tmp_path)
        tracking.close(patience=0)
    assert said(caplog)[-1] == "not recorded in MLflow"
    assert [run.info.status for run in server.runs("job")] == ["RUNNING"] * seen
    curve = {"encoder": "lite0", "fold": 3, "data_hash": "d", "config_hash": "c", "seconds": 2.5, "device": "cpu",
             "ended": HOUR_AGO + 9, "oof_score": 0.5, "oof_salt_accuracy": 0.75}  # fmt: skip
    epochs = [{**epoch, "seconds": 0.5} for epoch in TIMED]
    (tmp_path / "curve.json").write_text(json.dumps({**curve, "epochs": epochs}))
    for _ in range(2):
        record("first", {}, [str(tmp_path / "curve.json")], {"score": 0.8}, {})
    assert {run.info.status for run in server.runs()} == {"FINISHED"}
    (job,) = server.runs("job")
    assert job.info.end_time == int(1000 * (HOUR_AGO + 9))
    assert (job.info.start_time == int(1000 * (HOUR_AGO + 0.5))) != seen
    scores = {"oof_score": 0.5, "oof_salt_accuracy": 0.75}
    assert job.data.metrics == {"score": 0.4, "loss": 0.25, "seconds": 0.5, **scores}
    params = {"encoder": "lite0", "fold": "3", "data_hash": "d", "config_hash": "c", "train.epochs": "120"}
    assert params.items() <= job.data.params.items()
    assert job.data.tags["salt.missing_files"] == "curve.png, model"
    for name, times in (("score", [epoch["ended"] for epoch in TIMED]), ("oof_score", [HOUR_AGO + 9])):
        points = server.client.get_metric_history(job.info.run_id, name)
        assert [point.timestamp for point in points] == [int(1000 * at) for at in times]


def test_what_a_server_refuses_does_not_hold_up_the_rest(server, caplog):
    tracking = Tracking("first")
    gone, job = tracking.job("lite0", 0), tracking.job("lite0", 1)
    server.client.delete_run(gone.id)
    gone.metrics({"oof_score": 0.5})
    job.metrics({"oof_score": 0.5})
    tracking.close()
    assert said(caplog) == ["MLflow refused to record metrics", "not recorded in MLflow"]
    assert server.client.get_run(job.id).data.metrics == {"oof_score": 0.5}


def record_job(fold, barrier):
    """One of several jobs that start at once, in a process of its own."""
    barrier.wait()
    tracking = Tracking("first")
    job = tracking.job("lite0", fold)
    job.params({"seed": 1})
    job.epochs(HISTORY[:1])
    job.end()
    tracking.close(patience=120)


def test_jobs_that_make_a_new_sqlite_file_together_are_all_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/new/mlflow.db")
    processes = multiprocessing.get_context("forkserver")  # each imports nothing anew
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
