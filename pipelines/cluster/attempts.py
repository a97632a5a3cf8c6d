"""The attempts of a task: its pods, and what Argo reports of each and of all retries together.

If a task may be retried, Argo puts a node of type Retry above its pods. The reason why an attempt ended is on the pod's
node (`main: OOMKilled (exit code 137)`, `pod deleted`); the reason why there is no further attempt is on the Retry node
(`No more retries left`, `Max duration limit exceeded`, `Backoff would exceed max duration limit`), or it is the pod's
own message if the retry policy does not cover it (processNodeRetries in Argo 4.0's operator.go). A pod that vanished is
`Error: pod deleted` at once, and its Retry node stays `Running` until Argo has given up waiting for the pod's outputs:
up to 10 minutes (TASK_RESULT_TIMEOUT_DURATION).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FAILED = ("Failed", "Error")
"""Phases of a node that has failed: because its container failed, or because its pod was lost."""

_MAX_RETRIES = "retry-max-count"
"""KFP's input of a Retry node with the number of retries that the task requests."""

_PASSING = ("PodInitializing", "ContainerCreating")
"""Messages that Kubernetes gives to every pod that starts: they report no problem."""


@dataclass(frozen=True)
class Attempt:
    """One pod that runs a task's code.

    Attributes:
        pod: Its name.
        phase: Argo's phase of it: `Pending` until its containers run.
        created: When Argo created the pod; waiting for a node and for the image comes after.
        finished: When its last container ended.
        message: Why it waits or failed, as Argo reports it; empty if nothing is wrong.
        log: URI of its archived log in the object store; empty if it is not known.
    """

    pod: str
    phase: str
    created: datetime | None
    finished: datetime | None
    message: str
    log: str = ""

    @property
    def failed(self) -> bool:
        """Whether it has ended without success."""
        return self.phase in FAILED


def read_attempt(node: dict[str, Any], workflow: str, bucket: str) -> Attempt:
    """Reads a pod's node.

    Args:
        node: The node.
        workflow: Name of the workflow.
        bucket: Where Argo archives logs, for artifacts that name no bucket.
    """
    return Attempt(
        pod=f"{workflow}-{node.get('templateName', '')}-{node['id'].rpartition('-')[2]}",
        phase=node.get("phase") or "Pending",
        created=_time(node.get("startedAt")),
        finished=_time(node.get("finishedAt")),
        message=reason_of(node.get("message", "")),
        log=_archived_log(node, bucket),
    )


def retries_of(retry: dict[str, Any] | None) -> int:
    """How often a task may be retried, as its Retry node has it; 0 if there is no such node."""
    parameters = ((retry or {}).get("inputs") or {}).get("parameters") or []
    values = [str(one.get("value", "")) for one in parameters if one.get("name") == _MAX_RETRIES]
    return int(values[0]) if values and values[0].isdigit() else 0


def why_failed(attempts: tuple[Attempt, ...], retry: dict[str, Any] | None) -> str:
    """Why a task failed: why its last attempt ended, why there was no further one, retries used and allowed."""
    last, verdict, allowed = attempts[-1].message, reason_of((retry or {}).get("message", "")), retries_of(retry)
    used = f"{len(attempts) - 1} of {allowed} retries used"
    if not allowed:
        return last
    if verdict and verdict != last:
        return "; ".join(filter(None, (last, f"{verdict}, {used}")))
    not_retried = len(attempts) <= allowed and verdict
    return "; ".join(filter(None, (last, f"{used}{': see the retry policy in `salt doctor`' if not_retried else ''}")))


def why_retried(attempts: tuple[Attempt, ...], retry: dict[str, Any] | None) -> str:
    """Why a task waits for its next attempt: the attempt that was lost, and the pause."""
    pause = (retry or {}).get("message", "")
    lost = f"attempt {len(attempts)} of {retries_of(retry) + 1}: {attempts[-1].message or 'failed'}"
    return f"{lost}; {pause}" if pause else lost


def why_starting(attempts: tuple[Attempt, ...], retry: dict[str, Any] | None) -> str:
    """Why a pod has not started; for a later attempt at least how the previous one ended."""
    message = attempts[-1].message
    if message or len(attempts) == 1:
        return message
    before = attempts[-2].message or "failed"
    return f"attempt {len(attempts)} of {retries_of(retry) + 1}; attempt {len(attempts) - 1}: {before}"


def reason_of(message: str) -> str:
    """Argo's message for a pod with a problem, the same at each poll; empty for a pod without one."""
    if message in _PASSING:
        return ""
    image = re.search(r'image "([^"]+)"', message)
    if image and message.startswith(("ErrImagePull", "ImagePullBackOff")):
        return f"cannot pull {image[1]}: is it on the node, or in a registry? run `salt doctor`"
    return message.removeprefix("main: ")


def _archived_log(node: dict[str, Any], bucket: str) -> str:
    """URI under which Argo archived the log of the pod's container, which it does when the container ends."""
    for artifact in (node.get("outputs") or {}).get("artifacts") or []:
        place = artifact.get("s3") or {}
        if artifact.get("name") == "main-logs" and place.get("key"):
            return f"s3://{place.get('bucket') or bucket}/{place['key']}"
    return ""


def _time(text: Any) -> datetime | None:
    """A time as Argo writes it; None if there is none, or it cannot be read."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (TypeError, ValueError):
        return None
