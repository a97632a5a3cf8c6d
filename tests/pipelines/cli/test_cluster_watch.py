"""`salt watch` against a stand-in server: what it prints of a run, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.argo import workflow
from tests.pipelines.cli.cluster_run import RUN, SECOND, SMOKE, start
from tests.pipelines.command import salt
from tests.pipelines.kfp_server import KfpServer

pytestmark = pytest.mark.usefixtures("no_cluster")

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
    output = process.stderr
    assert output
    said: list[str] = []
    while "ingest: running" not in "".join(said):
        said.append(output.readline())
    kfp.fault = "503"
    while "trying again" not in "".join(said):
        said.append(output.readline())
    kfp.workflows[RUN] = workflow(ALL_DONE, RUN)
    kfp.runs[RUN]["state"] = "SUCCEEDED"
    kfp.fault = None
    said.append(output.read())
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
    assert "its pod and its log no longer exist" in salt("watch", RUN)[2]


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


def read(descriptor: int) -> bytes:
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


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until a function returns true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
