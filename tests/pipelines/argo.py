"""Argo workflows as Kubeflow Pipelines 2.17 compiles our pipeline."""

import json
import re
from typing import Any

from salt_pipeline.pipelines.cluster.tasks import read_tasks

STAGE_IDS: dict = {}
ALLOWED = 2
"""Retries that each task in the loop may have."""

MESSAGES = {
    "Failed": "main: Error (exit code 2)",
    "Error": "pod deleted",
    "Pending": "Unschedulable: 0/1 nodes are available",
}
"""Messages of Argo 4.0 on the node of a pod, by its phase."""


def workflow(tasks: Any, run_id: Any = "r", name: Any = "salt-x7k2p", verdicts: Any = None) -> Any:
    """An Argo workflow as KFP 2.17 compiles the pipeline.

    Args:
        tasks: For each (stage, iteration or None) the phases of its containers, oldest first, each alone or with its
            message; `cached`, `driver` (its driver runs), `omitted` or `driver failed` instead of a list. Tasks in the
            loop may be retried: they have a Retry node, which fails with the last of their attempts when the retries
            are used up.
        verdicts: For a task in the loop phase and message of its Retry node instead.
    """
    nodes = {}

    def node(path: Any, kind: Any, phase: Any, template: Any = "", **fields: Any) -> None:
        node_id = f"{name}-{abs(hash(path)) % 10**10}"
        began = None if phase == "Omitted" else "2026-01-02T03:04:05Z"
        ended = "2026-01-02T03:05:06Z" if phase in ("Succeeded", "Failed", "Error", "Skipped", "Omitted") else None
        nodes[node_id] = {
            "id": node_id,
            "name": path,
            "displayName": path.rpartition(".")[2],
            "type": kind,
            "phase": phase,
            "templateName": template,
            "startedAt": began,
            "finishedAt": ended,
            **fields,
        }

    node(name, "DAG", "Running")
    node(f"{name}.root-driver", "Pod", "Succeeded", "system-dag-driver")
    node(f"{name}.root", "DAG", "Running")
    for (stage, iteration), phases in tasks.items():
        inside = "" if iteration is None else f"jobs.iteration-iterations({iteration}:{iteration}).iteration-item."
        if iteration is not None:
            node(f"{name}.root.{inside[:-1]}-driver", "Pod", "Succeeded", "system-dag-driver")
        path = f"{name}.root.{inside}{stage}"
        uri = f"minio://mlpipeline/v2/artifacts/salt/{run_id}/{stage}/{execution(stage, iteration)}/model"
        outputs = {"parameters": [{"name": "pod-spec-patch", "value": json.dumps({"args": [uri]})}]}
        template = "retry-system-container-impl" if iteration is not None else "system-container-impl"
        if phases == "omitted":
            node(path, "DAG", "Omitted")
            continue
        driver = "Running" if phases == "driver" else "Failed" if phases == "driver failed" else "Succeeded"
        node(f"{path}-driver", "Pod", driver, "system-container-driver", outputs=outputs, message="driver failed")
        if phases in ("driver", "driver failed"):
            if driver == "Failed":
                node(path, "DAG", "Omitted")
            continue
        if phases == "cached":
            node(path, "DAG", "Succeeded")
            node(f"{path}.executor", "Skipped", "Skipped")
            continue
        attempts = [phase if isinstance(phase, tuple) else (phase, MESSAGES.get(phase, "")) for phase in phases]
        state, verdict = (verdicts or {}).get((stage, iteration)) or _verdict(attempts, iteration is not None)
        node(path, "DAG", state)
        if iteration is not None:
            limit = {"parameters": [{"name": "retry-max-count", "value": str(ALLOWED)}]}
            node(f"{path}.executor", "Retry", state, template, message=verdict, inputs=limit)
        for number, (phase, message) in enumerate(attempts):
            end = f"executor({number})" if iteration is not None else "executor"
            node(f"{path}.{end}", "Pod", phase, template, **({"message": message} if message else {}))
    return {"metadata": {"name": name, "labels": {"pipeline/runid": run_id}}, "status": {"nodes": nodes}}


def _verdict(attempts: Any, retried: Any) -> Any:
    """Phase and message of the nodes above the attempts."""
    last, _ = attempts[-1]
    if last == "Succeeded" or (last in ("Failed", "Error") and not retried):
        return last, ""
    if last in ("Failed", "Error") and len(attempts) > ALLOWED:
        return last, "No more retries left"
    return "Running", ""


def execution(stage: Any, iteration: Any) -> Any:
    """The id under which a task of `workflow` writes its outputs."""
    return f"{STAGE_IDS.setdefault(stage, len(STAGE_IDS)):08x}-0000-4000-8000-{iteration or 0:012x}"


def retried(flow: Any) -> Any:
    """The workflow under Argo's default retries: each step is a Retry node, and its attempts have numbers."""
    nodes = {}
    for node in flow["status"]["nodes"].values():
        *above, last = node["name"].split(".")
        home = [part if re.search(r"\(\d+\)$", part) else f"{part}(0)" for part in above]
        nodes[node["id"]] = node | {"name": ".".join([*home, last])}
        if not re.search(r"\(\d+\)$", last) and node["type"] != "Retry":
            nodes[f"{node['id']}0"] = node | {"name": ".".join([*home, f"{last}(0)"]), "id": f"{node['id']}0"}
            nodes[node["id"]]["type"] = "Retry"
    return flow | {"status": {"nodes": nodes}}


def task(phases: Any, stage: Any = "train-fold", iteration: Any = 1) -> Any:
    """The task of a workflow that has no other."""
    (found,) = read_tasks(workflow({(stage, iteration): phases}))
    return found
