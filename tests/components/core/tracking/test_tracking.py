"""The runs of a pipeline and its jobs, on a real MLflow server."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salt_pipeline.components.core.tracking import tracking as module
from salt_pipeline.components.core.tracking.experiment import find_runs
from salt_pipeline.components.core.tracking.run import milliseconds
from salt_pipeline.components.core.tracking.tracking import Tracking
from tests.components.core.tracking.work import HOUR_AGO, Recorded, work


def test_a_job_is_nested_in_its_pipeline(server: Recorded, tmp_path: Path) -> None:
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


def test_runs_encoders_and_folds_have_runs_of_their_own(server: Recorded) -> None:
    jobs = [("a", "x", 0), ("a", "x", 1), ("a", "y", 0), ("b", "x", 0)]
    ids = {Tracking(run).job(encoder, fold).id for run, encoder, fold in jobs}
    assert len(ids) == len(server.runs("job")) == 4
    assert len(server.runs("pipeline")) == 2


def test_jobs_that_start_together_share_one_parent(server: Recorded) -> None:
    def begin(fold: int) -> tuple[str | None, str | None]:
        tracking = Tracking("first")
        return tracking.parent().id, tracking.job("lite0", fold % 2).id

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(begin, range(4)))
    assert len({parent for parent, _ in found}) == len(server.runs("pipeline")) == 1
    assert len({job for _, job in found}) == len(server.runs("job")) == 2


def test_the_record_that_was_created_first_counts_whenever_its_run_began(
    server: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Tracking("first").parent()
    unseen: list[list[object]] = [[]]  # what the second finds first: the other record is not on the server yet
    monkeypatch.setattr(module, "find_runs", lambda *args: unseen.pop() if unseen else find_runs(*args))
    assert Tracking("first").parent(began=HOUR_AGO).id == first.id
    assert len(server.runs("pipeline")) == 1


def test_a_stopped_run_is_marked_and_runs_again(server: Recorded) -> None:
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


def test_duplicate_parents_are_merged(server: Recorded) -> None:
    tracking = Tracking("first")
    oldest = tracking.parent()
    tags = {"salt.run": "first", "salt.kind": "pipeline", "salt.created": str(milliseconds() + 1000)}
    second = server.client.create_run(tracking.experiment, tags=tags)
    stray = tracking.job("lite0", 0)
    server.client.set_tag(stray.id, "mlflow.parentRunId", second.info.run_id)
    other = Tracking("other").parent()
    tracking.unite()
    assert {run.info.run_id for run in server.runs("pipeline")} == {oldest.id, other.id}
    assert server.client.get_run(stray.id).data.tags["mlflow.parentRunId"] == oldest.id


@pytest.mark.parametrize(("run", "uri"), [("first", None), ("", "http://127.0.0.1:9")])
def test_nothing_is_recorded_without_a_server_or_a_run_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, run: str, uri: str | None
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracking = Tracking(run)
    assert work(tracking, tmp_path).id is None
    tracking.end_all("FINISHED")
    tracking.close()
    assert not caplog.records


def test_settings_are_nested_in_their_sweep_and_found_again(server: Recorded) -> None:
    for _ in range(2):
        tracking = Tracking("first")
        sweep = tracking.sweep()
        ids = [tracking.setting(sweep, key, f"model.encoder_weights='{key}'").id for key in ("a", "b")]
        tracking.close()
    settings = server.runs("setting")
    assert sorted(run.info.run_id for run in settings) == sorted(map(str, ids))
    assert {run.info.run_name for run in settings} == {"model.encoder_weights='a'", "model.encoder_weights='b'"}
    assert [run.info.run_id for run in server.runs("sweep")] == [sweep.id]
    assert {run.data.tags["mlflow.parentRunId"] for run in settings} == {sweep.id}
    assert not server.runs("pipeline")
