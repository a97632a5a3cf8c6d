"""The commands of the cluster against stand-in servers: their effects, and their errors when a server fails."""

import json
import subprocess
import sys
from typing import Any

import pytest

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.pipelines.cluster import kfp_http
from tests.pipelines.argo import workflow
from tests.pipelines.cli.cluster_run import RUN
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer

pytestmark = pytest.mark.usefixtures("no_cluster")


def test_help_imports_no_client_of_a_server_and_no_configuration() -> None:
    heavy = "('kfp', 'kubernetes', 'docker', 'minio', 'pydantic', 'numpy')"
    code = (
        f"import sys; from salt_pipeline.pipelines.cli.main import app; print([n for n in {heavy} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


CALLS = [
    ["runs"],
    ["watch", RUN],
    ["logs", RUN, "ingest"],
    ["cancel", RUN],
    ["resume", RUN],
    ["fetch", RUN, "--out", "x"],
    ["schedules"],
]


@pytest.mark.parametrize("words", CALLS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("500", "answers with an error: 500 Internal Server Error: it broke in two lines"),
        ("401", "rejected the credentials (401): check SALT_KFP_TOKEN_FILE, SALT_KFP_TOKEN or SALT_KFP_COOKIE"),
        ("403", "denied access to namespace kubeflow (403): check -n or SALT_NAMESPACE"),
        ("302", "redirects to /dex/auth, a log-in page (302): set SALT_KFP_TOKEN_FILE, SALT_KFP_TOKEN or"),
        ("dex", "answers with a log-in page: set SALT_KFP_TOKEN_FILE, SALT_KFP_TOKEN or SALT_KFP_COOKIE"),
        ("html", "does not answer as its API does: check SALT_KFP_URL (found <!doctype html>"),
        ("empty", "does not answer as its API does: check SALT_KFP_URL (found nothing)"),
        ("list", "SALT_KFP_URL"),
    ],
)
def test_an_error_of_the_api_is_reported_in_one_line(kfp: KfpServer, words: Any, fault: str, message: str) -> None:
    kfp.fault = fault
    said = fails(*words)
    assert f"{MARK}Kubeflow Pipelines at {kfp.url}: " in said
    assert message in said or fault == "list"
    assert said.count("\n") == 1


@pytest.mark.parametrize("words", CALLS, ids=lambda words: words[0])
def test_an_api_that_is_unreachable_is_reported(kfp: KfpServer, words: Any) -> None:
    kfp.__exit__()
    said = fails(*words)
    assert f"{kfp.url}: cannot be reached: connection refused; is it forwarded? kubectl port-forward" in said


def test_an_api_that_does_not_answer_in_time_is_reported(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kfp_http, "ANSWER_SECONDS", 0.2)
    kfp.fault = "slow"
    for words in CALLS:
        assert "cannot be reached: no answer in time" in fails(*words)


def test_a_host_that_does_not_exist_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT_KFP_URL", "http://kfp.invalid")
    assert "kfp.invalid: cannot be reached: " in fails("runs")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SALT_KFP_URL", "kfp:8888", "SALT_KFP_URL: an address begins with http:// or https:// (found kfp:8888)"),
        ("SALT_KFP_CA_FILE", "no/such.pem", "SALT_KFP_CA_FILE: no such file (found no/such.pem)"),
    ],
)
def test_an_invalid_setting_is_reported(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert message in fails("runs")


def test_a_token_is_sent_and_never_shown(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    kfp.token = "secret-token"
    assert "rejected the credentials (401)" in fails("runs")
    monkeypatch.setenv("SALT_KFP_TOKEN", "other-token")
    assert "other-token" not in fails("runs")
    monkeypatch.setenv("SALT_KFP_TOKEN", "secret-token")
    assert salt("runs")[0] == 0


def test_runs_are_listed_newest_first_over_pages(kfp: KfpServer) -> None:
    for i in range(7):
        kfp.add_run(f"run-{i}", "SUCCEEDED", created=f"2026-01-0{i + 1}T00:00:00Z")
    _, out, _ = salt("runs")
    assert [line.split()[1] for line in out.splitlines()[1:]] == [f"run-{i}" for i in reversed(range(7))]
    _, out, _ = salt("runs", "--limit", 2)
    assert len(out.splitlines()) == 3
    _, out, _ = salt("runs", "--limit", 1, "--json")
    assert [(run["name"], run["began"]) for run in json.loads(out)] == [("run-6", "2026-01-07 00:00:00+00:00")]


def test_a_run_is_found_by_id_its_beginning_or_its_name(kfp: KfpServer) -> None:
    for i in range(5):
        kfp.add_run(f"other-{i}", run_id=f"aaaa000{i}-0000-4000-8000-000000000000")
    kfp.add_run("first", run_id=RUN)
    for word in (RUN, "3f2a", "first"):
        assert "stopping" in salt("cancel", word)[1]
        kfp.runs[RUN]["state"] = "RUNNING"
    assert "names several runs" in fails("cancel", "aaaa")
    assert "aaaa0003" in fails("cancel", "aaaa")
    assert "no such run: `salt runs` lists them (found nothing-like-it)" in fails("cancel", "nothing-like-it")
    assert "404" in fails("cancel", RUN.replace("3f2a", "ffff"))


def test_cancel_and_resume_refuse_a_run_in_another_state(kfp: KfpServer) -> None:
    kfp.add_run("first", "RUNNING", RUN)
    assert "can be resumed only after it has failed or was stopped (found RUNNING)" in fails("resume", RUN)
    assert f"salt resume {RUN[:8]}" in salt("cancel", RUN)[1]
    assert ("POST", f"/apis/v2beta1/runs/{RUN}:terminate") in kfp.asked
    kfp.runs[RUN]["state"] = "FAILED"
    assert "has ended already (found FAILED)" in fails("cancel", RUN)
    assert f"salt watch {RUN[:8]}" in salt("resume", RUN)[1]
    assert ("POST", f"/apis/v2beta1/runs/{RUN}:retry") in kfp.asked
    kfp.runs[RUN]["state"] = "SUCCEEDED"
    assert "can be resumed only after" in fails("resume", RUN)


def test_a_run_that_was_stopped_is_started_again_with_the_same_parameters(kfp: KfpServer) -> None:
    stopped = [{"state": "RUNNING"}, {"state": "CANCELING"}, {"state": "FAILED"}]
    asked = {
        "service_account": "salt-runner",
        "experiment_id": "e",
        "state_history": stopped,
        "pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"},
    }
    kfp.add_run("first", "FAILED", RUN, parameters={"run": "first-1a2b3c"}, **asked)
    said = salt("resume", RUN)[1]
    (again,) = (run for run_id, run in kfp.runs.items() if run_id != RUN)
    assert f"salt watch {again['run_id'][:8]}" in said
    assert again["runtime_config"]["parameters"] == {"run": "first-1a2b3c"}
    for key in ("service_account", "experiment_id", "pipeline_version_reference", "display_name"):
        assert again[key] == kfp.runs[RUN][key]
    assert ("POST", f"/apis/v2beta1/runs/{RUN}:retry") not in kfp.asked


@pytest.mark.parametrize(
    "error",
    [
        "Update error: etcdserver: request is too large: etcdserver: request is too large",
        "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2401923 vs. 2097152)",
        "Request entity too large: limit is 3145728",
    ],
)
def test_a_run_whose_workflow_is_too_large_for_a_retry_is_started_again(kfp: KfpServer, error: str) -> None:
    kfp.add_run("first", "FAILED", RUN, parameters={"run": "first-1a2b3c"}, state_history=[{"state": "FAILED"}])
    kfp.retry_error = f"Failed to retry run {RUN} due to error updating and creating a workflow. {error}"
    said = salt("resume", RUN)[1]
    (again,) = (run for run_id, run in kfp.runs.items() if run_id != RUN)
    assert "started again; its training jobs resume from their checkpoints" in said
    assert f"salt watch {again['run_id'][:8]}" in said
    assert again["runtime_config"]["parameters"] == {"run": "first-1a2b3c"}


def test_a_run_that_lost_a_driver_is_started_again(kfp: KfpServer) -> None:
    kfp.add_run("first", "FAILED", RUN, parameters={"run": "first-1a2b3c"})
    kfp.workflows[RUN] = workflow({("ingest", None): ["Succeeded"], ("train-fold", 1): ["Failed"] * 3}, RUN)
    assert "first: resumed" in salt("resume", RUN)[1]
    kfp.runs[RUN]["state"] = "FAILED"
    kfp.workflows[RUN] = workflow({("ingest", None): ["Succeeded"], ("train-fold", 1): "driver failed"}, RUN)
    assert "started again; its training jobs resume from their checkpoints" in salt("resume", RUN)[1]
    (again,) = (run for run_id, run in kfp.runs.items() if run_id != RUN)
    assert again["runtime_config"]["parameters"] == {"run": "first-1a2b3c"}


def test_another_failure_of_a_retry_is_reported(kfp: KfpServer) -> None:
    kfp.add_run("first", "FAILED", RUN)
    kfp.retry_error = "Failed to retry run: the workflow manifest cannot be empty"
    assert "the workflow manifest cannot be empty" in fails("resume", RUN)
    assert len(kfp.runs) == 1


def test_what_the_api_answers_is_shown_as_plain_text_on_one_line(kfp: KfpServer) -> None:
    kfp.add_run("a\n\x1b[2Jb", "[/b]", run_id=RUN)
    code, out, _ = salt("runs")
    assert code == 0
    assert "[/b]" in out
    assert out.count("\n") == 2
    assert "\x1b" not in out
    kfp.runs[RUN]["state"] = "RUNNING"
    assert "\x1b" not in salt("cancel", RUN)[1]
