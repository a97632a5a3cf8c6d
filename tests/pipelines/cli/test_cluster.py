"""The commands of the cluster against stand-in servers: their effects, and their errors when a server fails."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.jobs import short_name
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines.cluster import kfp_http, kube
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.argo import execution, workflow
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

COMMANDS = ["submit", "watch", "runs", "logs", "fetch", "cancel", "resume", "schedules", "doctor", "cluster init"]
RUN = "3f2a90c4-0000-4000-8000-000000000001"
pytestmark = pytest.mark.usefixtures("no_cluster")

SMOKE = preset_config("smoke").model_dump(mode="json")
# The loop begins with the last-named encoder.
SECOND, FIRST = (encoder["name"] for encoder in SMOKE["encoders"])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example(command: Any) -> None:
    code, out, _ = salt(*command.split(), "--help")
    assert code == 0
    assert f"salt {command}" in out[out.index("Example") :]


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
    assert "started anew; its training jobs resume from their checkpoints" in said
    assert f"salt watch {again['run_id'][:8]}" in said
    assert again["runtime_config"]["parameters"] == {"run": "first-1a2b3c"}


def test_another_failure_of_a_retry_is_reported(kfp: KfpServer) -> None:
    kfp.add_run("first", "FAILED", RUN)
    kfp.retry_error = "Failed to retry run: the workflow manifest cannot be empty"
    assert "the workflow manifest cannot be empty" in fails("resume", RUN)
    assert len(kfp.runs) == 1


ALL_DONE: dict = {
    ("ingest", None): "cached",
    ("fold-split", None): "cached",
    **{(stage, i): ["Succeeded"] for stage in ("train-fold", "predict") for i in range(4)},
    **{(stage, None): ["Succeeded"] for stage in ("ensemble", "submission", "report")},
}


def test_watch_prints_each_change_and_ends_with_the_state_of_the_run(kfp: KfpServer) -> None:
    kfp.add_run("first", "RUNNING", RUN, {"config": SMOKE})
    kfp.workflows[RUN] = workflow({("ingest", None): ["Running"]}, RUN)
    process = start("watch", RUN, env={"SALT_KFP_URL": kfp.url})
    said: list[str] = []
    while "ingest: running" not in "".join(said):
        said.append(process.stderr.readline())
    kfp.fault = "503"
    while "trying again" not in "".join(said):
        said.append(process.stderr.readline())
    kfp.workflows[RUN] = workflow(ALL_DONE, RUN)
    kfp.runs[RUN]["state"] = "SUCCEEDED"
    kfp.fault = None
    said.append(process.stderr.read())
    assert process.wait() == 0
    text = "".join(said)
    assert f"{short_name(SECOND)}/fold1: predict: succeeded" in text
    assert re.search(r"ingest: running.* \(\d+:\d\d:\d\d elapsed, 4 jobs wait\)\n", text)
    assert text.count("trying again") == 1
    assert "the API is reachable again" in text
    assert text.endswith("first: SUCCEEDED\n")
    assert "Traceback" not in text


def test_watch_of_a_failed_run_prints_the_reason(kfp: KfpServer) -> None:
    kfp.add_run("first", "FAILED", RUN, {"config": SMOKE})
    kfp.workflows[RUN] = flow = workflow({("train-fold", 3): ["Failed"] * 3, ("report", None): "omitted"}, RUN)
    pod = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "executor(2)")
    pod_name = f"salt-x7k2p-retry-system-container-impl-{pod['id'].removeprefix('salt-x7k2p-')}"
    kfp.logs[pod_name] = (
        f"I0101 launcher\nsome noise\n{MARK}config.json: is not valid\n  - train.epochs: too few\nmore noise\n"
    )
    code, _, said = salt("watch", RUN)
    assert code == 1
    reason = "Error (exit code 2); No more retries left, 2 of 2 retries used"
    assert f"train-fold of {short_name(SECOND)}/fold1 failed: {reason}" in said
    assert f"  {MARK}config.json: is not valid\n    - train.epochs: too few\n" in said
    commands = f"  its log: salt logs {RUN[:8]} {short_name(SECOND)}/fold1\nto resume it: salt resume {RUN[:8]}\n"
    assert said.endswith(commands)
    kfp.logs[pod_name] = "".join(f"line {i}\n" for i in range(100))
    assert salt("watch", RUN)[2].endswith("".join(f"  line {i}\n" for i in range(85, 100)) + commands)
    del kfp.logs[pod_name]
    assert "its pod and its log are gone" in salt("watch", RUN)[2]


def test_watch_of_a_run_that_lost_a_pod_prints_the_message_of_argo_and_a_fix(kfp: KfpServer) -> None:
    kfp.add_run("first", "FAILED", RUN, {"config": SMOKE})
    lost = {("predict", 3): ("Error", "Max duration limit exceeded")}
    kfp.workflows[RUN] = workflow({("predict", 3): ["Error"]}, RUN, verdicts=lost)
    code, _, said = salt("watch", RUN)
    assert code == 1
    reason = "pod deleted; Max duration limit exceeded, 0 of 2 retries used"
    assert f"{short_name(SECOND)}/fold1: predict: failed, 0:01:01, {reason} (1:00:00 elapsed)\n" in said
    assert f"predict of {short_name(SECOND)}/fold1 failed: {reason}\n" in said
    assert f"its log: salt logs {RUN[:8]} {short_name(SECOND)}/fold1 --predict\n" in said
    starved = [("Failed", "main: OOMKilled (exit code 137)")] * 3
    kfp.workflows[RUN] = workflow({("predict", 3): starved}, RUN)
    said = salt("watch", RUN)[2]
    assert "failed: OOMKilled (exit code 137); No more retries left, 2 of 2 retries used\n" in said
    assert "it needs more memory: salt submit ... --set cluster.memory=..." in said


def test_watch_of_a_stopped_run_does_not_explain_each_task(kfp: KfpServer) -> None:
    kfp.add_run("first", "FAILED", RUN, {"config": SMOKE})
    late = ("Failed", "retry exceeded workflow deadline 2026-11-27 03:04:24 +0000 UTC")
    tasks = {("train-fold", i): [("Failed", "main: Error (exit code 143)")] for i in range(4)}
    kfp.workflows[RUN] = workflow(tasks, RUN, verdicts=dict.fromkeys(tasks, late)) | {
        "spec": {"activeDeadlineSeconds": 0}
    }
    said = salt("watch", RUN)[2]
    assert said.endswith(f"first: FAILED\nthe run was stopped\nto resume it: salt resume {RUN[:8]}\n")
    assert said.count("train-fold: failed, 0:01:01, the run was stopped") == 4


@pytest.mark.minio
def test_watch_shows_the_last_metric_of_this_configuration(
    kfp: KfpServer, store: Store, store_environment: dict[str, str], bucket: str
) -> None:
    root = f"s3://{bucket}/checkpoints"
    config = preset_config("smoke")
    other = preset_config("smoke", ["train.epochs=9"])
    kfp.add_run("first", "FAILED", RUN, {"config": SMOKE, "checkpoints": root})
    kfp.workflows[RUN] = workflow({("train-fold", i): ["Running"] for i in (0, 3)}, RUN)
    for hashes, score in ((f"{config.hash}-{'a' * 16}", 0.5), (f"{other.hash}-{'a' * 16}", 0.9)):
        state = {"done": 1.5, "epochs": 2, "loss": 0.1, "score": score}
        store.put(f"{root}/{hashes}/{SECOND}/fold1/progress.json", json.dumps(state).encode())
    _, _, said = salt("watch", RUN)
    assert f"{short_name(SECOND)}/fold1: train-fold: running, " in said
    assert "epoch 1/2, metric 0.5000" in said
    assert "0.9000" not in said


def test_watch_draws_a_table_in_a_terminal(kfp: KfpServer) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN, {"config": SMOKE})
    kfp.workflows[RUN] = workflow(ALL_DONE, RUN)
    master, slave = os.openpty()
    command = [sys.executable, "-c", "from salt_pipeline.pipelines.cli.main import main; main()", "watch", RUN]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "SALT_KFP_URL": kfp.url}
    process = subprocess.Popen(command, stderr=slave, stdout=slave, env=environment)
    os.close(slave)
    text = b""
    while chunk := read(master):
        text += chunk
    os.close(master)
    assert process.wait() == 0
    assert f"{short_name(SECOND)}/fold1" in text.decode()
    assert "predict: succeeded" in text.decode()
    assert "cached" in text.decode()


def read(descriptor: Any) -> Any:
    """The next bytes that a terminal shows; none after its program has ended."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_ctrl_c_does_not_stop_the_run_and_prints_how_to_watch_it_again(kfp: KfpServer) -> None:
    kfp.add_run("first", "RUNNING", RUN)
    process = start("watch", RUN, env={"SALT_KFP_URL": kfp.url})
    until(lambda: sum("v1beta1" in path for _, path in kfp.asked) >= 1)
    time.sleep(0.3)
    said = ""
    for _ in range(4):  # Python ignores an interrupt during a destructor; a user would press again
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            _, said = process.communicate(timeout=5)
            break
    assert process.returncode == 130
    assert said.endswith(f"the run continues; to watch it again: salt watch {RUN[:8]}\n")
    assert "Traceback" not in said
    assert not any("terminate" in path for _, path in kfp.asked)


def test_logs_of_a_stage_and_of_a_job(kfp: KfpServer) -> None:
    kfp.add_run("first", "RUNNING", RUN, {"config": SMOKE})
    tasks = {("ingest", None): ["Succeeded"], ("train-fold", 1): ["Failed", "Running"], ("predict", 1): ["Running"]}
    kfp.workflows[RUN] = flow = workflow(tasks, RUN)
    for node in flow["status"]["nodes"].values():
        pod = f"salt-x7k2p-{node['templateName']}-{node['id'].removeprefix('salt-x7k2p-')}"
        kfp.logs[pod] = f"log of {node['name']}\n"
    assert salt("logs", RUN, "ingest")[1] == "log of salt-x7k2p.root.ingest.executor\n"
    assert salt("logs", RUN, f"{FIRST}/fold1")[1].endswith("train-fold.executor(1)\n")
    assert salt("logs", RUN, f"{short_name(FIRST)}/fold1", "--predict")[1].endswith("predict.executor(0)\n")
    (pod,) = (pod for pod in kfp.logs if kfp.logs[pod] == "log of salt-x7k2p.root.ingest.executor\n")
    kfp.logs[pod] += "I1127 18:17:43.879942      16 launcher_v2.go:206] publish success.\n"
    assert salt("logs", RUN, "ingest")[1] == "log of salt-x7k2p.root.ingest.executor\n"
    assert salt("logs", RUN, "ingest", "--raw")[1] == kfp.logs[pod]
    assert "JOB: has not started (found report)" in fails("logs", RUN, "report")
    assert "has not started" in fails("logs", RUN, f"{SECOND}/fold0")
    known = f"ingest, fold-split, ensemble, submission, report, {short_name(FIRST)}/fold0"
    assert f"no such stage or job (found train, expected {known} ...)" in fails("logs", RUN, "train")
    kfp.logs.clear()
    assert "its pod and its log are gone" in fails("logs", RUN, "ingest")


def test_the_log_of_a_finished_run_is_read_from_its_pod(kfp: KfpServer, kubernetes: KubeServer) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN)
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Succeeded"]}, RUN)
    (node,) = (node for node in flow["status"]["nodes"].values() if node["name"].endswith("ingest.executor"))
    assert "its pod and its log are gone" in fails("logs", RUN, "ingest")
    kubernetes.logs[f"salt-x7k2p-{node['templateName']}-{node['id'].removeprefix('salt-x7k2p-')}"] = "read é"
    assert salt("logs", RUN, "ingest")[1] == "read é\n"


KUBELET_ERRORS = [
    "unable to retrieve container logs for containerd://3f2a",
    'failed to try resolving symlinks in path "/var/log/pods/kubeflow_x/main/0.log": lstat: no such file or directory',
    'failed to get container status "3f2a": rpc error: code = NotFound desc = an error occurred: container not found',
]


@pytest.mark.minio
@pytest.mark.parametrize("words", KUBELET_ERRORS, ids=["retrieve", "symlinks", "not found"])
def test_an_error_of_the_kubelet_is_not_a_log_and_the_archived_log_is_read(
    kfp: KfpServer, store: Store, store_environment: dict[str, str], bucket: str, words: Any
) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN)
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Succeeded"]}, RUN)
    (node,) = (node for node in flow["status"]["nodes"].values() if node["name"].endswith("ingest.executor"))
    pod = f"salt-x7k2p-{node['templateName']}-{node['id'].removeprefix('salt-x7k2p-')}"
    kfp.logs[pod] = words
    assert "its pod and its log are gone" in fails("logs", RUN, "ingest")
    key = f"private-artifacts/kubeflow/salt-x7k2p/2026/01/02/{pod}/main.log"
    node["outputs"] = {"artifacts": [{"name": "main-logs", "s3": {"key": key}}]}
    flow["status"]["artifactRepositoryRef"] = {"artifactRepository": {"s3": {"bucket": bucket}}}
    assert "its pod and its log are gone" in fails("logs", RUN, "ingest")
    store.put(f"s3://{bucket}/{key}", b"read 4000 images\n")
    assert salt("logs", RUN, "ingest")[1] == "read 4000 images\n"
    kfp.logs[pod] = f"a log of several lines\nmay quote it: {words}\nand continue\n"
    assert salt("logs", RUN, "ingest")[1] == kfp.logs[pod]


def test_an_archived_log_that_cannot_be_read_is_reported_with_its_uri(kfp: KfpServer) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN)
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Succeeded"]}, RUN)
    (node,) = (node for node in flow["status"]["nodes"].values() if node["name"].endswith("ingest.executor"))
    node["outputs"] = {"artifacts": [{"name": "main-logs", "s3": {"key": "a/main.log", "bucket": "logs"}}]}
    said = fails("logs", RUN, "ingest")
    assert (
        "s3://logs/a/main.log: its pod is gone; its log is archived, but cannot be read: SALT_S3_ENDPOINT: is not"
        in said
    )


def test_logs_are_followed_until_the_task_ends(kfp: KfpServer) -> None:
    kfp.add_run("first", "RUNNING", RUN)
    kfp.workflows[RUN] = workflow({("ingest", None): ["Pending"]}, RUN)
    assert "ingest: is starting and has not written anything yet (found Unschedulable" in fails("logs", RUN, "ingest")
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Running"]}, RUN)
    node = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "executor")
    pod = f"salt-x7k2p-system-container-impl-{node['id'].removeprefix('salt-x7k2p-')}"
    kfp.logs[pod] = "one\n"
    process = start("logs", RUN, "ingest", "--follow", env={"SALT_KFP_URL": kfp.url})
    assert process.stdout.readline() == "one\n"
    kfp.logs[pod] = "one\ntwo\n"
    kfp.workflows[RUN] = workflow({("ingest", None): ["Succeeded"]}, RUN)
    assert process.communicate(timeout=20)[0] == "two\n"
    assert process.returncode == 0


@pytest.mark.minio
def test_fetch_writes_results_to_the_paths_of_a_local_run(
    kfp: KfpServer, store: Store, store_environment: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    root = f"minio://{bucket}/v2/artifacts?region=x"
    kfp.add_run("first", "SUCCEEDED", RUN, {"config": SMOKE})
    kfp.runs[RUN]["runtime_config"]["pipeline_root"] = root
    assert "the store has no artifacts of this run" in fails("fetch", RUN, "--out", tmp_path / "out")
    base = f"s3://{bucket}/v2/artifacts/salt/{RUN}"
    store.put(f"{base}/submission/old/csv", b"old")
    time.sleep(1.1)
    reported = [f"report/e2/{name}" for name in ("results", "model_card", "report_html")]
    for name in ("submission/e1/csv", "submission/e1/choice", *reported):
        store.put(f"{base}/{name}", name.encode())
    tasks = {("train-fold", 3): ["Succeeded"]}
    kfp.workflows[RUN] = workflow(tasks, RUN)
    store.put(f"{base}/train-fold/{execution('train-fold', 3)}/model/model.json", b"{}")
    store.put(f"{base}/predict/{RUN}/maps", b"maps")
    store.put(f"{base}/ensemble/e3/executor-logs", b"log")

    code, out, _ = salt("fetch", "first", "--out", tmp_path / "out")
    assert code == 0
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert made == ["metrics.json", "report.html", "report.md", "submission.csv", "submission/choice.json"]
    assert (tmp_path / "out" / "submission.csv").read_bytes() == b"submission/e1/csv"
    assert out.splitlines() == [str(tmp_path / "out" / name) for name in made]

    assert salt("fetch", "first", "--out", tmp_path / "all", "--all")[0] == 0
    assert (tmp_path / "all" / "train_fold" / SECOND / "fold1" / "model" / "model.json").read_bytes() == b"{}"
    assert (tmp_path / "all" / "predict" / RUN / "maps.parquet").read_bytes() == b"maps"
    assert (tmp_path / "all" / "ensemble" / "e3" / "executor-logs").read_bytes() == b"log"

    store.remove(f"{base}/report/e2/report_html")
    said = fails("fetch", "first", "--out", tmp_path / "less")
    assert "some results are missing (expected report.html)" in said
    assert (tmp_path / "less" / "submission.csv").is_file()


@pytest.mark.minio
def test_fetch_finds_the_cached_artifacts_of_a_restarted_run(
    kfp: KfpServer, store: Store, store_environment: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    root, before = f"minio://{bucket}/v2", "aaaa0001-0000-4000-8000-000000000001"
    for run_id, name, folder in ((before, "first-1a2b3c", "stopped"), (RUN, "first-1a2b3c", "restarted")):
        kfp.add_run(folder, "SUCCEEDED", run_id, {"config": SMOKE, "run": name})
        kfp.runs[run_id]["runtime_config"]["pipeline_root"] = root
    other = kfp.add_run("other", "SUCCEEDED", parameters={"run": "other-1a2b3c"})
    kfp.workflows[before] = workflow({("train-fold", 3): ["Succeeded"]}, before)
    kfp.workflows[RUN] = workflow({("train-fold", 3): "cached"}, RUN)
    base = f"s3://{bucket}/v2/salt"
    store.put(f"{base}/{before}/train-fold/{execution('train-fold', 3)}/curve", b"curve")
    store.put(f"{base}/{other}/train-fold/{execution('train-fold', 2)}/curve", b"other")
    results = (
        "submission/e/csv",
        "submission/e/choice",
        "report/e/results",
        "report/e/model_card",
        "report/e/report_html",
    )
    for name in results:
        store.put(f"{base}/{RUN}/{name}", b"new")
    assert salt("fetch", "restarted", "--out", tmp_path / "out", "--all")[0] == 0
    made = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json")]
    assert f"train_fold/{SECOND}/fold1/curve.json" in made
    assert len([name for name in made if name.startswith("train_fold")]) == 1


def test_fetch_has_a_path_for_every_output_of_every_component() -> None:
    from importlib import import_module

    from salt_pipeline.pipelines.places import PLACES, RESULTS_OF_SWEEP

    stages = ("ingest", "fold_split", "train_fold", "predict", "ensemble", "submission", "report")
    specs = {s: getattr(import_module(f"salt_pipeline.components.{s}.component"), s).component_spec for s in stages}
    outputs = {
        f"{stage.replace('_', '-')}/{name}"
        for stage, spec in specs.items()
        for name, output in (spec.outputs or {}).items()
        if "system." in output.type
    }
    assert outputs == set(PLACES) - set(RESULTS_OF_SWEEP)


def test_a_missing_kubeconfig_is_reported_in_one_line() -> None:
    with pytest.raises(kube.KubeError, match="no configuration: check KUBECONFIG"):
        kube.Kube("kubeflow")


def start(*words: Any, env: Any) -> Any:
    # A shell's background job ignores SIGINT, and so would the command under test.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = (
        "from salt_pipeline.pipelines.cluster import watch; watch.POLL_SECONDS = 0.05;"
        "from salt_pipeline.pipelines.cli.main import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", f"{heed}; {code}", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env, "PYTHONUNBUFFERED": "1"},
    )


def until(true: Any, seconds: Any = 20.0) -> None:
    """Waits until a function returns true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
