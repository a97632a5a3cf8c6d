import base64
import gzip
import json

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.pipelines.cluster.tasks import read_tasks, read_trouble
from tests.pipelines.argo import execution, retried, task, workflow

JOBS = [Job("a", 0), Job("a", 1), Job("b", 0), Job("b", 1)]


def test_a_workflow_without_nodes_has_no_tasks() -> None:
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


def test_a_task_whose_last_retry_is_lost_has_failed_before_argo_reports_it() -> None:
    flow = workflow({("train-fold", 1): ["Error"] * 3}, verdicts={("train-fold", 1): ("Running", "")})
    (found,) = read_tasks(flow)
    assert (found.state, found.reason) == ("failed", "pod deleted; 2 of 2 retries used")


def test_the_tasks_of_a_stopped_run_have_that_as_their_reason() -> None:
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


def test_iterations_are_the_jobs_in_their_order() -> None:
    flow = workflow({("train-fold", i): ["Running"] for i in (3, 0, 2, 1)} | {("ingest", None): ["Succeeded"]})
    found = read_tasks(flow)
    assert [t.job(JOBS) for t in found] == [None, *JOBS]
    assert found[1].job([]) is None
    assert execution("train-fold", 2) in found[3].outputs


def test_problems_of_the_pods_of_argo_itself_are_reported() -> None:
    flow = workflow({("ingest", None): ["Pending"]})
    assert read_trouble(flow) == []
    driver = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "root-driver")
    driver |= {"phase": "Pending", "message": "ImagePullBackOff:\nno such image"}
    assert read_trouble(flow) == ["root-driver: pending: ImagePullBackOff: no such image"]
    failed = {"status": {"phase": "Error", "message": "no such service account"}}
    assert read_trouble(failed) == ["no such service account"]


def test_nodes_that_argo_compressed_are_read() -> None:
    flow = workflow({("predict", 11): ["Running"]})
    plain = read_tasks(flow)
    packed = base64.b64encode(gzip.compress(json.dumps(flow["status"].pop("nodes")).encode())).decode()
    flow["status"]["compressedNodes"] = packed
    assert read_tasks(flow) == plain
    flow["status"]["compressedNodes"] = packed[:40]
    with pytest.raises(SaltError, match="cannot be decompressed"):
        read_tasks(flow)


def test_steps_with_the_number_of_their_attempt_are_recognised() -> None:
    flow = workflow(
        {("ingest", None): ["Succeeded"], ("fold-split", None): "driver", ("train-fold", 1): ["Failed", "Running"]}
    )
    known = [
        [(t.stage, t.iteration, t.state, len(t.attempts)) for t in read_tasks(one)] for one in (flow, retried(flow))
    ]
    assert known[0] == known[1]
    assert len(known[0]) == 3


def test_tasks_inside_an_exit_handler_are_read() -> None:
    made = workflow({("ingest", None): ["Succeeded"], ("train-fold", 1): ["Failed", "Running"]})
    nodes = made["status"]["nodes"]
    plain = read_tasks(made)
    for node in nodes.values():
        node["name"] = node["name"].replace(".root.", ".root.exit-handler-1.")
    assert read_tasks(made) == plain
    assert [(task.stage, task.iteration, task.state) for task in plain] == [
        ("ingest", None, "succeeded"),
        ("train-fold", 1, "running"),
    ]
    nodes["n"] = {
        "id": "n",
        "type": "Pod",
        "phase": "Failed",
        "displayName": "executor",
        "message": "pod deleted",
        "name": "salt-x7k2p.root.exit-handler-1.onExit.notify.executor",
    }
    assert read_tasks(made) == plain, "the exit task is no stage"
    assert read_trouble(made) == ["executor: failed: pod deleted"]
