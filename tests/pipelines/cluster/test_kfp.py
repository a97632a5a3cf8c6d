"""Runs and recurring runs in Kubeflow Pipelines, against a stand-in."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster import kfp as module
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError, PipelineVersion
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from tests.pipelines.kfp_server import KfpServer

RUN = "3f2a90c4-0000-4000-8000-000000000001"
VERSION = PipelineVersion("v", "p", "salt-0", {})


@pytest.fixture
def api(kfp: KfpServer) -> Kfp:
    return Kfp(cluster_settings(pipeline_root="s3://salt/runs", service_account="runner"))


def test_a_run_is_started_with_the_settings_of_the_cluster(kfp: KfpServer, api: Kfp) -> None:
    run = kfp.runs[api.start("first", "salt", VERSION, {"data": "s3://salt/a.zip"})]
    [experiment] = kfp.experiments
    assert run["display_name"] == "first"
    assert run["experiment_id"] == experiment["experiment_id"]
    assert run["pipeline_version_reference"] == {"pipeline_id": "p", "pipeline_version_id": "v"}
    assert run["runtime_config"] == {"parameters": {"data": "s3://salt/a.zip"}, "pipeline_root": "s3://salt/runs"}
    assert run["service_account"] == "runner"


def test_a_name_takes_precedence_over_the_beginning_of_an_id(kfp: KfpServer, api: Kfp) -> None:
    kfp.add_run("3f2a", run_id=RUN.replace("3f2a", "aaaa"))
    kfp.add_run("other", run_id=RUN)
    assert api.find("3f2a").name == "3f2a"
    assert api.find("3f2a9").name == "other"


def test_the_ids_of_two_runs_with_the_same_name_are_listed(kfp: KfpServer, api: Kfp) -> None:
    kfp.add_run("first", run_id=RUN)
    kfp.add_run("first", run_id=RUN.replace("3f2a", "aaaa"))
    with pytest.raises(SaltError, match=r"names several runs.*found first, expected (3f2a|aaaa)90c4, (3f2a|aaaa)90c4"):
        api.find("first")


def test_only_the_newest_runs_are_searched(kfp: KfpServer, api: Kfp, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(1, 6):
        kfp.add_run(f"day-{day}", created=f"2026-01-0{day}T00:00:00Z", parameters={"run": "salt-1"})
    monkeypatch.setattr(module, "SEARCHED", 3)
    assert [run.name for run in api.runs_tracked_as("salt-1")] == ["day-5", "day-4", "day-3"]
    assert api.find("day-3").name == "day-3"
    with pytest.raises(SaltError, match="no such run"):
        api.find("day-2")


def test_a_run_of_a_schedule_is_tracked_by_its_own_name(kfp: KfpServer, api: Kfp) -> None:
    kfp.add_run("weekly-1", parameters={"run": "weekly"}, recurring_run_id="s")
    assert [run.name for run in api.runs_tracked_as("weekly-1")] == ["weekly-1"]
    assert api.runs_tracked_as("weekly") == []


def test_an_id_that_does_not_exist_is_refused_by_the_api(api: Kfp) -> None:
    with pytest.raises(KfpError, match="404") as caught:
        api.find(RUN)
    assert (caught.value.status, caught.value.passing) == (404, False)


def test_a_recurring_run_does_not_catch_up_missed_runs(kfp: KfpServer, api: Kfp) -> None:
    schedule_id = api.start_schedule("weekly", "salt", VERSION, {}, "0 0 3 * * 1")
    [made] = kfp.schedules
    assert (made["recurring_run_id"], made["no_catchup"], made["max_concurrency"]) == (schedule_id, True, "1")
    assert "namespace" not in made
    [listed] = api.schedules()
    assert (listed.id, listed.name, listed.state, listed.cron) == (schedule_id, "weekly", "ENABLED", "0 3 * * 1")


def test_the_workflow_is_the_manifest_of_the_older_api(kfp: KfpServer, api: Kfp) -> None:
    assert api.workflow(RUN) == {}
    kfp.workflows[RUN] = {"metadata": {"name": "salt-x7k2p"}}
    assert api.workflow(RUN) == kfp.workflows[RUN]


def test_a_manifest_that_is_not_json_is_reported(kfp: KfpServer, api: Kfp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kfp, "answer", lambda *_: {"pipeline_runtime": {"workflow_manifest": "{half"}})
    with pytest.raises(KfpError, match=r"does not answer as its API does: check SALT_KFP_URL \(found {half\)"):
        api.workflow(RUN)


def test_a_log_is_text_and_none_if_it_is_missing(kfp: KfpServer, api: Kfp) -> None:
    kfp.logs["pod"] = "epoch 1\n{not JSON\n"
    assert api.log(RUN, "pod") == "epoch 1\n{not JSON\n"
    assert api.log(RUN, "other") is None


def test_the_date_is_that_of_the_server(api: Kfp) -> None:
    date = api.date()
    assert date is not None
    assert abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_started_run_without_an_id_is_reported(kfp: KfpServer, api: Kfp, monkeypatch: pytest.MonkeyPatch) -> None:
    kfp.add_run("first", "FAILED", RUN, state_history=[{"state": "CANCELING"}])
    stopped = api.run(RUN)
    monkeypatch.setattr(kfp, "_runs", lambda *_: {})
    for start in (lambda: api.start("first", "salt", VERSION, {}), lambda: api.resume(stopped)):
        with pytest.raises(KfpError, match="answers with a record that its API does not describe"):
            start()


def test_an_answer_that_is_too_deep_is_not_that_of_the_api(
    kfp: KfpServer, api: Kfp, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    monkeypatch.setattr(kfp, "faulty", lambda: (200, "application/json", deep))
    with pytest.raises(KfpError, match="does not answer as its API does"):
        api.workflow(RUN)
