"""The tasks of a run as its Argo workflow has them: job, state, attempts and pods of each."""

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.stages import TASKS, TASKS_OF_SWEEP
from salt_pipeline.pipelines.cluster.attempts import (
    FAILED,
    Attempt,
    read_attempt,
    reason_of,
    retries_of,
    why_failed,
    why_retried,
    why_starting,
)
from salt_pipeline.pipelines.cluster.http_errors import one_line
from salt_pipeline.pipelines.cluster.workflow import nodes_of
from salt_pipeline.pipelines.k8s_names import KFP_BUCKET

STOPPED = "the run was stopped"
"""Reason of a task that ended because somebody stopped the run."""

_KNOWN = (*TASKS, TASKS_OF_SWEEP[-1])
_ITERATION = re.compile(r"-iterations\((\d+):")
_TROUBLED = ("Pending", "Failed", "Error")


@dataclass(frozen=True)
class Task:
    """One task of a run.

    Attributes:
        stage: Its name in the pipeline, as `train-fold`.
        iteration: Index of its iteration, for a task in the loop.
        state: `waiting`, `starting`, `running`, `retrying` (between two attempts), `succeeded`, `cached`, `failed` or
            `skipped`.
        attempts: The pods that ran its code, oldest first.
        retries: How many attempts beyond the first it may have.
        reason: Why it waits, is retried or failed, as Argo reports it.
        driver: Name of the driver's pod, which runs before the first attempt.
        outputs: Outputs of its driver as JSON, which contain the URIs of the task's own outputs.
    """

    stage: str
    iteration: int | None
    state: str
    attempts: tuple[Attempt, ...] = ()
    retries: int = 0
    reason: str = ""
    driver: str = ""
    outputs: str = ""

    @property
    def pods(self) -> tuple[str, ...]:
        """Names of its attempts' pods; its driver's if there are none."""
        return tuple(attempt.pod for attempt in self.attempts) or ((self.driver,) if self.driver else ())

    @property
    def finished(self) -> datetime | None:
        """When its last attempt ended; None while it is active, or if it had none."""
        return self.attempts[-1].finished if self.attempts and self.ended else None

    def job(self, jobs: list[Job]) -> Job | None:
        """Encoder and fold, for a task in the loop."""
        known = self.iteration is not None and self.iteration < len(jobs)
        return jobs[self.iteration] if known else None  # type: ignore[index]

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ("succeeded", "cached", "failed", "skipped")


def read_tasks(workflow: dict[str, Any]) -> list[Task]:
    """Finds the pipeline's tasks among a workflow's nodes.

    A node's name is its path from the workflow down, as
    `salt-x7.root.jobs.iteration-iterations(3:3).iteration-item.train-fold.executor`.

    Args:
        workflow: The Argo workflow; one without nodes has no tasks.

    Returns:
        The tasks that Argo has created so far, in the pipeline's order and by iteration.
    """
    groups: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
    for node in nodes_of(workflow).values():
        path = _path(node)
        places = [i for i, part in enumerate(path) if part.removesuffix("-driver") in _KNOWN]
        if places:
            stage = path[places[0]].removesuffix("-driver")
            found = _ITERATION.search(node["name"])
            groups.setdefault((stage, int(found[1]) if found else None), []).append(node)
    name, bucket = workflow.get("metadata", {}).get("name", ""), _log_bucket(workflow)
    tasks = [_task(stage, iteration, nodes, name, bucket) for (stage, iteration), nodes in groups.items()]
    if _stopped(workflow):
        tasks = [replace(task, reason=STOPPED) if "deadline" in task.reason else task for task in tasks]
    return sorted(tasks, key=lambda task: (_KNOWN.index(task.stage), task.iteration or 0))


def read_trouble(workflow: dict[str, Any]) -> list[str]:
    """Problems of Argo's own pods, which run before and between the tasks, when they wait or fail.

    Args:
        workflow: The Argo workflow.

    Returns:
        A line for each; the workflow's own message if it has failed and no pod has.
    """
    lines = []
    for node in nodes_of(workflow).values():
        ours = any(part.removesuffix("-driver") in _KNOWN for part in _path(node))
        reason = reason_of(node.get("message", ""))
        if reason and not ours and node["type"] == "Pod" and node.get("phase") in _TROUBLED:
            lines.append(f"{node.get('displayName') or node['name']}: {node['phase'].lower()}: {one_line(reason)}")
    status = workflow.get("status", {})
    if not lines and _stopped(workflow):
        return [STOPPED]
    if not lines and status.get("phase") in ("Failed", "Error") and status.get("message"):
        lines.append(one_line(status["message"]))
    return sorted(set(lines))


def _path(node: dict[str, Any]) -> list[str]:
    """The steps of a node's name without their attempts: if retries are a default, each has a number such as `(0)`."""
    return [re.sub(r"\(\d+\)$", "", part) for part in node["name"].split(".")]


def _stopped(workflow: dict[str, Any]) -> bool:
    """Whether the run was stopped: KFP sets a deadline of 0 for that, and Argo reports only the deadline."""
    return workflow.get("spec", {}).get("activeDeadlineSeconds") == 0


def _log_bucket(workflow: dict[str, Any]) -> str:
    """The bucket of Argo's artifact repository, which the workflow records once for all its nodes."""
    found: Any = workflow.get("status", {})
    for key in ("artifactRepositoryRef", "artifactRepository", "s3", "bucket"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else KFP_BUCKET


def _task(stage: str, iteration: int | None, nodes: list[dict[str, Any]], workflow: str, bucket: str) -> Task:
    by_end = {node["name"].rpartition(".")[2]: node for node in nodes}
    driver, whole = by_end.get(f"{stage}-driver(0)", by_end.get(f"{stage}-driver")), by_end.get(stage)
    inner = [node for end, node in by_end.items() if re.fullmatch(r"executor(\(\d+\))?", end)]
    retry = next((node for node in inner if node["type"] == "Retry"), None)
    pods = sorted((n for n in inner if n["type"] == "Pod"), key=lambda n: n.get("startedAt") or "")
    attempts = tuple(read_attempt(node, workflow, bucket) for node in pods)
    state = _state(driver, whole, attempts, inner, retry)
    reasons = {"failed": why_failed, "retrying": why_retried, "starting": why_starting}
    reason = reasons[state](attempts, retry) if state in reasons and attempts else ""
    if state in ("failed", "starting") and not attempts:
        reason = reason_of((driver or {}).get("message", ""))
    return Task(
        stage,
        iteration,
        state,
        attempts,
        retries_of(retry),
        reason,
        driver=read_attempt(driver, workflow, bucket).pod if driver else "",
        outputs=json.dumps((driver or {}).get("outputs", {})),
    )


def _state(
    driver: dict | None, whole: dict | None, attempts: tuple[Attempt, ...], inner: list[dict], retry: dict | None
) -> str:
    phase = (whole or {}).get("phase", "")
    if phase in FAILED or (not whole and driver and driver.get("phase") in FAILED):
        return "failed"
    if phase in ("Omitted", "Skipped"):
        return "failed" if driver and driver.get("phase") in FAILED else "skipped"
    if phase == "Succeeded":
        return "succeeded" if attempts or not inner else "cached"
    if not attempts:
        return "starting"
    if attempts[-1].failed:
        more = retry and retry.get("phase") not in FAILED and len(attempts) <= retries_of(retry)
        return "retrying" if more else "failed"
    return "starting" if attempts[-1].phase == "Pending" else "running"
