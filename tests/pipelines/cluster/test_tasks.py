import base64
import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.pipelines.cluster.attempts import Attempt
from salt_pipeline.pipelines.cluster.rows import rows
from salt_pipeline.pipelines.cluster.stopwatch import Stopwatch
from salt_pipeline.pipelines.cluster.tasks import Task, read_tasks, read_trouble
from salt_pipeline.pipelines.display.run_table import as_line
from tests.pipelines.argo import execution, workflow

NOW = datetime(2026, 1, 2, 3, 6, 5, tzinfo=UTC)
JOBS = [Job("a", 0), Job("a", 1), Job("b", 0), Job("b", 1)]


def task(phases: Any, stage: Any = "train-fold", iteration: Any = 1) -> Any:
    (found,) = read_tasks(workflow({(stage, iteration): phases}))
    return found


def shown(tasks: Any, progress: Any = None, jobs: Any = JOBS) -> Any:
    """The rows of tasks that are looked at once."""
    stopwatch = Stopwatch()
    stopwatch.look(tasks, NOW)
    return rows(tasks, jobs, progress or {}, stopwatch.seconds)


def test_no_nodes_are_no_tasks() -> None:
    assert read_tasks({}) == []
    assert read_tasks({"metadata": {"name": "x"}, "status": {"phase": "Pending"}}) == []


@pytest.mark.parametrize(
    ("phases", "state", "attempts"),
    [
        ("driver", "starting", 0),
        ("driver failed", "failed", 0),
        ("omitted", "skipped", 0),
        ("cached", "cached", 0),
        (["Pending"], "starting", 1),
        (["Running"], "running", 1),
        (["Succeeded"], "succeeded", 1),
        (["Failed"], "retrying", 1),
        (["Error", "Pending"], "starting", 2),
        (["Failed", "Running"], "running", 2),
        (["Failed", "Error", "Failed"], "failed", 3),
        (["Failed", "Error", "Succeeded"], "succeeded", 3),
    ],
)
def test_state_of_a_task(phases: str | list[str], state: str, attempts: int) -> None:
    found = task(phases)
    assert (found.stage, found.iteration, found.state, len(found.attempts)) == ("train-fold", 1, state, attempts)
    assert found.ended == (state in ("failed", "skipped", "cached", "succeeded"))


def test_a_task_between_two_attempts_names_the_lost_one() -> None:
    found = task(["Error"])
    assert (found.state, found.ended) == ("retrying", False)
    assert found.reason == "attempt 1 of 3: pod deleted"
    flow = workflow(
        {("train-fold", 1): ["Failed", "Failed"]}, verdicts={("train-fold", 1): ("Running", "Backoff for 1m0s")}
    )
    assert read_tasks(flow)[0].reason == "attempt 2 of 3: Error (exit code 2); Backoff for 1m0s"
    (row,) = (row for row in shown([found], {("a", 1): {"done": 1.0, "epochs": 2}}) if row.name == "a/fold1")
    assert as_line(row) == "a/fold1: train-fold: retrying, 0:01:01, attempt 1 of 3: pod deleted"


def test_a_second_attempt_that_waits_says_what_became_of_the_first() -> None:
    assert task(["Error", ("Pending", "PodInitializing")]).reason == "attempt 2 of 3; attempt 1: pod deleted"
    assert task(["Error", "Pending"]).reason == "Unschedulable: 0/1 nodes are available"


@pytest.mark.parametrize(
    ("attempts", "verdict", "reason"),
    [
        (["Error"], "Max duration limit exceeded", "pod deleted; Max duration limit exceeded, 0 of 2 retries used"),
        (
            ["Failed", ("Failed", "main: OOMKilled (exit code 137)")],
            "Backoff would exceed max duration limit",
            "OOMKilled (exit code 137); Backoff would exceed max duration limit, 1 of 2 retries used",
        ),
        (["Failed"] * 3, "No more retries left", "Error (exit code 2); No more retries left, 2 of 2 retries used"),
        # Where the policy does not cover it, the Retry node repeats its pod.
        (
            ["Failed"],
            "main: Error (exit code 2)",
            "Error (exit code 2); 0 of 2 retries used: see the retry policy in `salt doctor`",
        ),
    ],
)
def test_a_failed_task_names_its_last_end_and_why_it_is_not_retried(attempts: Any, verdict: Any, reason: Any) -> None:
    flow = workflow({("train-fold", 1): attempts}, verdicts={("train-fold", 1): ("Failed", verdict)})
    for one in (flow, retried(flow)):
        (found,) = read_tasks(one)
        assert (found.state, found.reason) == ("failed", reason)


def test_a_task_whose_last_retry_is_lost_has_failed_before_argo_says_so() -> None:
    flow = workflow({("train-fold", 1): ["Error"] * 3}, verdicts={("train-fold", 1): ("Running", "")})
    (found,) = read_tasks(flow)
    assert (found.state, found.reason) == ("failed", "pod deleted; 2 of 2 retries used")


def test_the_tasks_of_a_run_that_was_stopped_say_that() -> None:
    said = ("Failed", "retry exceeded workflow deadline 2026-11-27 03:04:24 +0000 UTC")
    tasks = {("train-fold", 0): ["Failed"] * 3, ("train-fold", 1): [("Failed", "Step exceeded its deadline")]}
    flow = workflow(tasks, verdicts={("train-fold", 1): said})
    flow["status"] |= {"phase": "Failed", "message": said[1]}
    assert said[1] in read_tasks(flow)[1].reason
    assert read_trouble(flow) == [said[1]]
    flow["spec"] = {"activeDeadlineSeconds": 0}
    own, stopped = (found.reason for found in read_tasks(flow))
    assert "No more retries left" in own
    assert stopped == read_trouble(flow)[0] == "the run was stopped"


def test_why_it_waits_or_failed() -> None:
    assert "Unschedulable" in task(["Pending"]).reason
    assert task(["Failed"], "ingest", None).reason == "Error (exit code 2)"
    assert task(["Failed", "Succeeded"]).reason == ""
    assert task("driver failed").reason == "driver says"


def look(*moments: Any) -> Any:
    """A task's seconds at each look: its attempts as (phase, created, finished), in seconds after the beginning."""
    stopwatch, began = Stopwatch(), datetime(2026, 1, 2, tzinfo=UTC)

    def at(second: Any) -> Any:
        return None if second is None else began + timedelta(seconds=second)

    found = []
    for now, attempts in moments:
        pods = [Attempt(f"p{i}", phase, at(since), at(until), "") for i, (phase, since, until) in enumerate(attempts)]
        seen = Task("train-fold", 0, "running", tuple(pods))
        stopwatch.look([seen], at(now))
        found.append(stopwatch.seconds(seen))
    return found


def test_waiting_does_not_count_as_running() -> None:
    pending, running = [("Pending", 0, None)], [("Running", 0, None)]
    assert look((300, pending), (400, pending), (410, running), (500, running)) == [0, 0, 10, 100]
    assert look((500, running)) == [500]  # of what was before the first look nothing is known


def test_the_pause_between_attempts_does_not_count() -> None:
    lost = ("Error", 0, 100)
    retry = [lost, ("Pending", 700, None)]
    again = [lost, ("Running", 700, None)]
    assert look((110, [lost]), (600, [lost]), (750, retry), (760, again)) == [100, 100, 100, 110]
    assert look((800, [("Failed", 0, None)])) == [0]


def test_time_never_goes_backwards() -> None:
    assert look((50, [("Running", 0, None)]), (60, [("Succeeded", 0, 45)])) == [50, 50]


def test_pods_are_named_as_argo_names_them() -> None:
    flow = workflow({("ingest", None): ["Succeeded"]})
    node = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "executor")
    (found,) = read_tasks(flow)
    assert found.pods == (f"salt-x7k2p-system-container-impl-{node['id'].removeprefix('salt-x7k2p-')}",)
    assert task("driver failed").pods[0].startswith("salt-x7k2p-system-container-driver-")


def test_iterations_are_the_jobs_in_their_order() -> None:
    flow = workflow({("train-fold", i): ["Running"] for i in (3, 0, 2, 1)} | {("ingest", None): ["Succeeded"]})
    found = read_tasks(flow)
    assert [t.job(JOBS) for t in found] == [None, *JOBS]
    assert found[1].job([]) is None
    assert execution("train-fold", 2) in found[3].outputs


def test_trouble_of_the_engines_own_pods() -> None:
    flow = workflow({("ingest", None): ["Pending"]})
    assert read_trouble(flow) == []
    driver = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "root-driver")
    driver |= {"phase": "Pending", "message": "ImagePullBackOff:\nno such image"}
    assert read_trouble(flow) == ["root-driver: pending: ImagePullBackOff: no such image"]
    failed = {"status": {"phase": "Error", "message": "no such service account"}}
    assert read_trouble(failed) == ["no such service account"]


def test_nodes_that_argo_packed() -> None:
    flow = workflow({("predict", 11): ["Running"]})
    plain = read_tasks(flow)
    packed = base64.b64encode(gzip.compress(json.dumps(flow["status"].pop("nodes")).encode())).decode()
    flow["status"]["compressedNodes"] = packed
    assert read_tasks(flow) == plain
    flow["status"]["compressedNodes"] = packed[:40]
    with pytest.raises(SaltError, match="cannot be decompressed"):
        read_tasks(flow)


def test_rows_hold_every_stage_and_job_from_the_beginning() -> None:
    names = [row.name for row in shown([])]
    jobs = ["a/fold0", "a/fold1", "b/fold0", "b/fold1"]
    assert names == ["ingest", "fold-split", *jobs, "ensemble", "submission", "report"]
    assert {row.state for row in shown([])} == {"waiting"}


def test_a_jobs_row_adds_training_and_prediction_up() -> None:
    tasks = read_tasks(workflow({("train-fold", 2): ["Failed", "Succeeded"], ("predict", 2): ["Running"]}))
    progress = {("b", 0): {"done": 7.5, "epochs": 10, "score": 0.81234}}
    row = next(row for row in shown(tasks, progress) if row.name == "b/fold0")
    assert (row.doing, row.state, row.retries, row.remark) == ("predict", "running", 1, "epoch 7/10, metric 0.8123")
    assert row.seconds == 2 * 61 + 120
    assert as_line(row) == "b/fold0: predict: running, retry 1, 0:04:02, epoch 7/10, metric 0.8123"


def test_a_job_of_an_unknown_configuration_has_its_number() -> None:
    tasks = read_tasks(workflow({("train-fold", i): ["Running"] for i in range(2)}))
    assert [row.name for row in shown(tasks, jobs=[])][2:4] == ["iteration/fold0", "iteration/fold1"]


def retried(flow: Any) -> Any:
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


def test_steps_that_carry_their_attempts_are_known_all_the_same() -> None:
    flow = workflow(
        {("ingest", None): ["Succeeded"], ("fold-split", None): "driver", ("train-fold", 1): ["Failed", "Running"]}
    )
    known = [
        [(t.stage, t.iteration, t.state, len(t.attempts)) for t in read_tasks(one)] for one in (flow, retried(flow))
    ]
    assert known[0] == known[1]
    assert len(known[0]) == 3


def waiting(message: Any) -> Any:
    flow = workflow({("train-fold", 0): ["Pending"]})
    pod = next(node for node in flow["status"]["nodes"].values() if node["phase"] == "Pending")
    pod["message"] = message
    return read_tasks(flow)[0].reason


def test_an_image_that_is_not_there_is_told_once_whatever_kubernetes_says_next() -> None:
    said = {
        waiting('ErrImagePull: failed to pull and unpack image "salt/train-fold:1": failed to resolve reference'),
        waiting('ImagePullBackOff: Back-off pulling image "salt/train-fold:1": ErrImagePull: failed'),
    }
    assert said == {"cannot pull salt/train-fold:1: is it on the node, or in a registry? run `salt doctor`"}


def test_what_is_said_of_every_pod_is_not_told() -> None:
    assert waiting("PodInitializing") == ""


def test_a_job_whose_training_failed_says_that_and_not_what_was_left_out() -> None:
    flow = workflow({("train-fold", 0): ["Failed"] * 3, ("predict", 0): "omitted"})
    (row,) = (row for row in shown(read_tasks(flow), jobs=[("lite0", 0)]) if row.name == "lite0/fold0")
    assert (row.doing, row.state, row.seconds) == ("train-fold", "failed", 3 * 61)
