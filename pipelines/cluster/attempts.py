"""The attempts of a task: its pods, and what Argo says of each and of the retries as a whole.

Where a task may be retried, Argo puts a node of type Retry above its pods. What ended one attempt stands on the pod's
node (`main: OOMKilled (exit code 137)`, `pod deleted`); why there is no further attempt stands on the Retry node
(`No more retries left`, `Max duration limit exceeded`, `Backoff would exceed max duration limit`), or the pod's own
message where the retry policy does not cover it (processNodeRetries in Argo 4.0's operator.go). A pod that vanished is
`Error: pod deleted` at once, and its Retry node stays `Running` until Argo has given up waiting for the pod's outputs:
up to 10 minutes (TASK_RESULT_TIMEOUT_DURATION).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FAILED = ("Failed", "Error")
"""Phases of a node that has failed: by its container, or by what became of its pod."""

_MAX_RETRIES = "retry-max-count"
"""KFP's input of a Retry node: how many retries the task asked for."""

_PASSING = ("PodInitializing", "ContainerCreating")
"""What Kubernetes says of every pod that begins."""


@dataclass(frozen=True)
class Attempt:
    """One pod that runs a task's code.

    Attributes:
        pod: Its name.
        phase: Argo's phase of it: `Pending` until its containers run.
        created: When Argo created the pod; waiting for a node and for the image comes after.
        finished: When its last container ended.
        message: What the engine says of it.
        log: URI of its archived log in the object store; empty where none is known.
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
    """How often a task may be retried: what it asked for, as its Retry node says; 0 where it has none."""
    parameters = ((retry or {}).get("inputs") or {}).get("parameters") or []
    values = [str(one.get("value", "")) for one in parameters if one.get("name") == _MAX_RETRIES]
    return int(values[0]) if values and values[0].isdigit() else 0


def why_failed(attempts: tuple[Attempt, ...], retry: dict[str, Any] | None) -> str:
    """Why a task failed: what ended its last attempt, why there was no further one, retries used and allowed."""
    last, verdict, allowed = attempts[-1].message, reason_of((retry or {}).get("message", "")), retries_of(retry)
    used = f"{len(attempts) - 1} of {allowed} retries used"
    if not allowed:
        return last
    if verdict and verdict != last:
        return "; ".join(filter(None, (last, f"{verdict}, {used}")))
    not_retried = len(attempts) <= allowed and verdict
    return "; ".join(filter(None, (last, f"{used}{': see the retry policy in `salt doctor`' if not_retried else ''}")))


def why_retried(attempts: tuple[Attempt, ...], retry: dict[str, Any] | None) -> str:
    """What a task that waits for its next attempt is told of: the attempt that was lost."""
    pause = (retry or {}).get("message", "")
    lost = f"attempt {len(attempts)} of {retries_of(retry) + 1}: {attempts[-1].message or 'failed'}"
    return f"{lost}; {pause}" if pause else lost


def why_starting(attempts: tuple[Attempt, ...], retry: dict[str, Any] | None) -> str:
    """Why a pod has not begun; of a later attempt at least what became of the one before."""
    said = attempts[-1].message
    if said or len(attempts) == 1:
        return said
    before = attempts[-2].message or "failed"
    return f"attempt {len(attempts)} of {retries_of(retry) + 1}; attempt {len(attempts) - 1}: {before}"


def reason_of(message: str) -> str:
    """What the engine says of a pod that is not well, the same from one look to the next; nothing of one that is."""
    if message in _PASSING:
        return ""
    image = re.search(r'image "([^"]+)"', message)
    if image and message.startswith(("ErrImagePull", "ImagePullBackOff")):
        return f"cannot pull {image[1]}: is it on the node, or in a registry? see `salt doctor`"
    return message.removeprefix("main: ")


def _archived_log(node: dict[str, Any], bucket: str) -> str:
    """Where Argo has put the log of the pod's container, which it does when the container ends."""
    for artifact in (node.get("outputs") or {}).get("artifacts") or []:
        place = artifact.get("s3") or {}
        if artifact.get("name") == "main-logs" and place.get("key"):
            return f"s3://{place.get('bucket') or bucket}/{place['key']}"
    return ""


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
