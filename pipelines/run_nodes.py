"""What an Argo workflow says of a run's tasks: which job each belongs to, its state, its attempts, its pods."""

import base64
import gzip
import json
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.core.errors import SaltError
from components.core.jobs import Job
from pipelines.network import one_line

STAGES = ("ingest", "fold-split", "train-fold", "predict", "ensemble", "submission", "report")
"""The pipeline's tasks, in its order."""

IN_LOOP = ("train-fold", "predict")
_ITERATION = re.compile(r"-iterations\((\d+):")
_TROUBLED = ("Pending", "Failed", "Error")


_PASSING = ("PodInitializing", "ContainerCreating")
"""What Kubernetes says of every pod that begins."""


@dataclass(frozen=True)
class Task:
    """One task of a run.

    Attributes:
        stage: Its name in the pipeline, as `train-fold`.
        iteration: Index of its iteration, for a task in the loop.
        state: `waiting`, `starting`, `running`, `succeeded`, `cached`, `failed` or `left out`.
        started: When its first container began.
        finished: When it ended.
        attempts: Containers begun.
        reason: What the engine says of it: why it waits or failed.
        pods: Names of the pods that ran its code, oldest first; its driver's where there are none.
        outputs: What its driver decided: the outputs' places are in there.
    """

    stage: str
    iteration: int | None
    state: str
    started: datetime | None = None
    finished: datetime | None = None
    attempts: int = 0
    reason: str = ""
    pods: tuple[str, ...] = ()
    outputs: str = ""

    def job(self, jobs: list[Job]) -> Job | None:
        """Encoder and fold, for a task in the loop."""
        known = self.iteration is not None and self.iteration < len(jobs)
        return jobs[self.iteration] if known else None  # type: ignore[index]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("succeeded", "cached", "failed", "left out")


def read_tasks(workflow: dict[str, Any]) -> list[Task]:
    """Finds the pipeline's tasks among a workflow's nodes.

    A node's name is its path from the workflow down, as
    `salt-x7.root.jobs.iteration-iterations(3:3).iteration-item.train-fold.executor`.

    Args:
        workflow: The Argo workflow; one without nodes has no tasks.

    Returns:
        The tasks that Argo knows by now, in the pipeline's order and by iteration.
    """
    groups: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
    for node in _nodes(workflow).values():
        path = _path(node)
        places = [i for i, part in enumerate(path) if part.removesuffix("-driver") in STAGES]
        if places:
            stage = path[places[0]].removesuffix("-driver")
            found = _ITERATION.search(node["name"])
            groups.setdefault((stage, int(found[1]) if found else None), []).append(node)
    name = workflow.get("metadata", {}).get("name", "")
    tasks = [_task(stage, iteration, nodes, name) for (stage, iteration), nodes in groups.items()]
    return sorted(tasks, key=lambda task: (STAGES.index(task.stage), task.iteration or 0))


def read_trouble(workflow: dict[str, Any]) -> list[str]:
    """What the engine says of its own pods, which run before and between the tasks, when they wait or fail.

    Args:
        workflow: The Argo workflow.

    Returns:
        A line for each; the workflow's own message where it has failed and no pod has.
    """
    lines = []
    for node in _nodes(workflow).values():
        ours = any(part.removesuffix("-driver") in STAGES for part in _path(node))
        said = _reason(node.get("message", ""))
        if said and not ours and node["type"] == "Pod" and node.get("phase") in _TROUBLED:
            lines.append(f"{node['displayName']}: {node['phase'].lower()}: {one_line(said)}")
    status = workflow.get("status", {})
    if not lines and status.get("phase") in ("Failed", "Error") and status.get("message"):
        lines.append(one_line(status["message"]))
    return sorted(set(lines))


def _path(node: dict[str, Any]) -> list[str]:
    """The steps of a node's name without their attempts: where retries are a default each step carries one, `(0)`."""
    return [re.sub(r"\(\d+\)$", "", part) for part in node["name"].split(".")]


def _nodes(workflow: dict[str, Any]) -> dict[str, Any]:
    """The nodes, which Argo packs when they are many."""
    status = workflow.get("status", {})
    if "compressedNodes" in status:
        try:
            return json.loads(gzip.decompress(base64.b64decode(status["compressedNodes"])))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise SaltError("the workflow's nodes cannot be unpacked", found=error) from None
    return status.get("nodes") or {}


def _task(stage: str, iteration: int | None, nodes: list[dict[str, Any]], workflow: str) -> Task:
    by_end = {node["name"].rpartition(".")[2]: node for node in nodes}
    driver, whole = by_end.get(f"{stage}-driver(0)", by_end.get(f"{stage}-driver")), by_end.get(stage)
    inner = [node for end, node in by_end.items() if re.fullmatch(r"executor(\(\d+\))?", end)]
    pods = sorted((n for n in inner if n["type"] == "Pod"), key=lambda n: n.get("startedAt") or "")
    last = pods[-1] if pods else driver
    asked = [node for node in (*pods, driver) if node]
    began = next((node for node in asked if node.get("startedAt")), {})
    state = _state(driver, whole, pods, inner)
    ended = state in ("succeeded", "cached", "failed")
    return Task(
        stage,
        iteration,
        state,
        started=_time(began.get("startedAt")),
        finished=_time((last or {}).get("finishedAt")) if ended else None,
        attempts=len(pods),
        reason=_reason((last or {}).get("message", "")) if state not in ("succeeded", "cached", "left out") else "",
        pods=tuple(_pod(node, workflow) for node in pods or ([driver] if driver else [])),
        outputs=json.dumps((driver or {}).get("outputs", {})),
    )


def _state(driver: dict | None, whole: dict | None, pods: list[dict], inner: list[dict]) -> str:
    phase = (whole or {}).get("phase", "")
    if phase in ("Failed", "Error") or (not whole and driver and driver.get("phase") in ("Failed", "Error")):
        return "failed"
    if phase in ("Omitted", "Skipped"):
        return "failed" if driver and driver.get("phase") in ("Failed", "Error") else "left out"
    if phase == "Succeeded":
        return "succeeded" if pods or not inner else "cached"
    if not pods:
        return "starting"
    last = pods[-1].get("phase", "Pending")
    # Between two attempts the last pod has failed and the task has not.
    return "starting" if last == "Pending" else "running"


def _reason(message: str) -> str:
    """What the engine says of a pod that is not well, the same from one look to the next; nothing of one that is."""
    if message in _PASSING:
        return ""
    image = re.search(r'image "([^"]+)"', message)
    if image and message.startswith(("ErrImagePull", "ImagePullBackOff")):
        return f"cannot pull {image[1]}: is it on the node, or in a registry? see `salt doctor`"
    return message


def _pod(node: dict[str, Any], workflow: str) -> str:
    """Name of a node's pod: workflow, template, hash of the node."""
    return f"{workflow}-{node.get('templateName', '')}-{node['id'].rpartition('-')[2]}"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
