import base64
import gzip
import json
import re
from datetime import UTC, datetime

import pytest

from components.core.errors import SaltError
from pipelines.run_nodes import read_tasks, read_trouble
from pipelines.run_view import as_line, clock, rows
from tests.pipelines.argo import execution, workflow

NOW = datetime(2026, 1, 2, 3, 6, 5, tzinfo=UTC)
JOBS = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def task(phases, stage="train-fold", iteration=1):
    (found,) = read_tasks(workflow({(stage, iteration): phases}))
    return found


def test_no_nodes_are_no_tasks():
    assert read_tasks({}) == []
    assert read_tasks({"metadata": {"name": "x"}, "status": {"phase": "Pending"}}) == []


@pytest.mark.parametrize(
    ("phases", "state", "attempts"),
    [
        ("driver", "starting", 0),
        ("driver failed", "failed", 0),
        ("omitted", "left out", 0),
        ("cached", "cached", 0),
        (["Pending"], "starting", 1),
        (["Running"], "running", 1),
        (["Succeeded"], "succeeded", 1),
        (["Failed"], "failed", 1),
        (["Failed", "Running"], "running", 2),
        (["Failed", "Error", "Succeeded"], "succeeded", 3),
    ],
)
def test_state_of_a_task(phases, state, attempts):
    found = task(phases)
    assert (found.stage, found.iteration, found.state, found.attempts) == ("train-fold", 1, state, attempts)
    assert found.ended == (state in ("failed", "left out", "cached", "succeeded"))


def test_a_task_between_two_attempts_has_not_failed():
    flow = workflow({("train-fold", 0): ["Failed", "Running"]})
    nodes = flow["status"]["nodes"]
    second = next(key for key, node in nodes.items() if node["displayName"] == "executor(1)")
    del nodes[second]
    (found,) = read_tasks(flow)
    assert (found.state, found.ended, found.finished) == ("running", False, None)


def test_a_cached_task_takes_no_time():
    found = task("cached")
    assert (found.finished - found.started).total_seconds() == 61
    assert rows([found], JOBS, {}, NOW)[3].seconds == 61


def test_why_it_waits_or_failed():
    assert "Unschedulable" in task(["Pending"]).reason
    assert task(["Failed"]).reason == "Error (exit code 2)"
    assert task(["Failed", "Succeeded"]).reason == ""
    assert task("driver failed").reason == "driver says"


def test_pods_are_named_as_argo_names_them():
    flow = workflow({("ingest", None): ["Succeeded"]})
    node = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "executor")
    (found,) = read_tasks(flow)
    assert found.pods == (f"salt-x7k2p-system-container-impl-{node['id'].removeprefix('salt-x7k2p-')}",)
    assert task("driver failed").pods[0].startswith("salt-x7k2p-system-container-driver-")


def test_iterations_are_the_jobs_in_their_order():
    flow = workflow({("train-fold", i): ["Running"] for i in (3, 0, 2, 1)} | {("ingest", None): ["Succeeded"]})
    found = read_tasks(flow)
    assert [t.job(JOBS) for t in found] == [None, *JOBS]
    assert found[1].job([]) is None
    assert execution("train-fold", 2) in found[3].outputs


def test_trouble_of_the_engines_own_pods():
    flow = workflow({("ingest", None): ["Pending"]})
    assert read_trouble(flow) == []
    driver = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "root-driver")
    driver |= {"phase": "Pending", "message": "ImagePullBackOff:\nno such image"}
    assert read_trouble(flow) == ["root-driver: pending: ImagePullBackOff: no such image"]
    failed = {"status": {"phase": "Error", "message": "no such service account"}}
    assert read_trouble(failed) == ["no such service account"]


def test_nodes_that_argo_packed():
    flow = workflow({("predict", 11): ["Running"]})
    plain = read_tasks(flow)
    packed = base64.b64encode(gzip.compress(json.dumps(flow["status"].pop("nodes")).encode())).decode()
    flow["status"]["compressedNodes"] = packed
    assert read_tasks(flow) == plain
    flow["status"]["compressedNodes"] = packed[:40]
    with pytest.raises(SaltError, match="cannot be unpacked"):
        read_tasks(flow)


def test_rows_hold_every_stage_and_job_from_the_beginning():
    names = [row.name for row in rows([], JOBS, {}, NOW)]
    jobs = ["a/fold0", "a/fold1", "b/fold0", "b/fold1"]
    assert names == ["ingest", "fold-split", *jobs, "ensemble", "submission", "report"]
    assert {row.state for row in rows([], JOBS, {}, NOW)} == {"waiting"}


def test_a_jobs_row_adds_training_and_prediction_up():
    tasks = read_tasks(workflow({("train-fold", 2): ["Failed", "Succeeded"], ("predict", 2): ["Running"]}))
    progress = {("b", 0): {"done": 7.5, "epochs": 10, "score": 0.81234}}
    row = next(row for row in rows(tasks, JOBS, progress, NOW) if row.name == "b/fold0")
    assert (row.doing, row.state, row.retries, row.note) == ("predict", "running", 1, "epoch 7/10, metric 0.8123")
    assert row.seconds == 61 + 120
    assert as_line(row) == "b/fold0: predict: running, retry 1, 0:03:01, epoch 7/10, metric 0.8123"


def test_a_job_of_an_unknown_configuration_has_its_number():
    tasks = read_tasks(workflow({("train-fold", i): ["Running"] for i in range(2)}))
    assert [row.name for row in rows(tasks, [], {}, NOW)][2:4] == ["iteration/fold0", "iteration/fold1"]


@pytest.mark.parametrize(("seconds", "text"), [(0, ""), (59.9, "0:00:59"), (3600 * 26 + 61, "26:01:01")])
def test_clock(seconds, text):
    assert clock(seconds) == text


def retried(flow):
    """The same where a retry is Argo's default: each step is a Retry node, and its attempts carry their number."""
    nodes = {}
    for node in flow["status"]["nodes"].values():
        *above, last = node["name"].split(".")
        home = [part if re.search(r"\(\d+\)$", part) else f"{part}(0)" for part in above]
        nodes[node["id"]] = node | {"name": ".".join([*home, last])}
        if not re.search(r"\(\d+\)$", last) and node["type"] != "Retry":
            nodes[f"{node['id']}0"] = node | {"name": ".".join([*home, f"{last}(0)"]), "id": f"{node['id']}0"}
            nodes[node["id"]]["type"] = "Retry"
    return flow | {"status": {"nodes": nodes}}


def test_steps_that_carry_their_attempts_are_known_all_the_same():
    flow = workflow(
        {("ingest", None): ["Succeeded"], ("fold-split", None): "driver", ("train-fold", 1): ["Failed", "Running"]}
    )
    known = [[(t.stage, t.iteration, t.state, t.attempts) for t in read_tasks(one)] for one in (flow, retried(flow))]
    assert known[0] == known[1]
    assert len(known[0]) == 3


def waiting(message):
    flow = workflow({("train-fold", 0): ["Pending"]})
    pod = next(node for node in flow["status"]["nodes"].values() if node["phase"] == "Pending")
    pod["message"] = message
    return read_tasks(flow)[0].reason


def test_an_image_that_is_not_there_is_told_once_whatever_kubernetes_says_next():
    said = {
        waiting('ErrImagePull: failed to pull and unpack image "salt/train-fold:1": failed to resolve reference'),
        waiting('ImagePullBackOff: Back-off pulling image "salt/train-fold:1": ErrImagePull: failed'),
    }
    assert said == {"cannot pull salt/train-fold:1: is it on the node, or in a registry? see `salt doctor`"}


def test_what_is_said_of_every_pod_is_not_told():
    assert waiting("PodInitializing") == ""


def test_a_job_whose_training_failed_says_that_and_not_what_was_left_out():
    flow = workflow({("train-fold", 0): ["Failed"], ("predict", 0): "omitted"})
    (row,) = (row for row in rows(read_tasks(flow), [("lite0", 0)], {}, NOW) if row.name == "lite0/fold0")
    assert (row.doing, row.state, row.seconds) == ("train-fold", "failed", 61)
