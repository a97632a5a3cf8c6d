"""The attempts of a task, and the reasons that Argo gives."""

from typing import Any

import pytest

from salt_pipeline.pipelines.cluster.tasks import read_tasks
from tests.pipelines.argo import retried, task, workflow


def test_a_task_between_two_attempts_reports_the_lost_one() -> None:
    found = task(["Error"])
    assert (found.state, found.ended) == ("retrying", False)
    assert found.reason == "attempt 1 of 3: pod deleted"
    flow = workflow(
        {("train-fold", 1): ["Failed", "Failed"]}, verdicts={("train-fold", 1): ("Running", "Backoff for 1m0s")}
    )
    assert read_tasks(flow)[0].reason == "attempt 2 of 3: Error (exit code 2); Backoff for 1m0s"


def test_a_second_attempt_that_waits_reports_the_end_of_the_first() -> None:
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
        # If the policy does not cover the error, the Retry node has the message of its pod.
        (
            ["Failed"],
            "main: Error (exit code 2)",
            "Error (exit code 2); 0 of 2 retries used: see the retry policy in `salt doctor`",
        ),
    ],
)
def test_a_failed_task_reports_its_last_error_and_why_it_is_not_retried(
    attempts: Any, verdict: Any, reason: Any
) -> None:
    flow = workflow({("train-fold", 1): attempts}, verdicts={("train-fold", 1): ("Failed", verdict)})
    for one in (flow, retried(flow)):
        (found,) = read_tasks(one)
        assert (found.state, found.reason) == ("failed", reason)


def test_the_reason_of_a_task_is_that_of_its_newest_attempt() -> None:
    assert "Unschedulable" in task(["Pending"]).reason
    assert task(["Failed"], "ingest", None).reason == "Error (exit code 2)"
    assert task(["Failed", "Succeeded"]).reason == ""
    assert task("driver failed").reason == "driver failed"


def test_pods_are_named_as_argo_names_them() -> None:
    flow = workflow({("ingest", None): ["Succeeded"]})
    node = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "executor")
    (found,) = read_tasks(flow)
    assert found.pods == (f"salt-x7k2p-system-container-impl-{node['id'].removeprefix('salt-x7k2p-')}",)
    assert task("driver failed").pods[0].startswith("salt-x7k2p-system-container-driver-")


def waiting(message: Any) -> Any:
    flow = workflow({("train-fold", 0): ["Pending"]})
    pod = next(node for node in flow["status"]["nodes"].values() if node["phase"] == "Pending")
    pod["message"] = message
    return read_tasks(flow)[0].reason


def test_a_missing_image_has_the_same_reason_while_kubernetes_backs_off() -> None:
    said = {
        waiting('ErrImagePull: failed to pull and unpack image "salt/train-fold:1": failed to resolve reference'),
        waiting('ImagePullBackOff: Back-off pulling image "salt/train-fold:1": ErrImagePull: failed'),
    }
    assert said == {"cannot pull salt/train-fold:1: is it on the node, or in a registry? run `salt doctor`"}


def test_a_message_that_every_starting_pod_has_is_no_reason() -> None:
    assert waiting("PodInitializing") == ""
