"""Argo workflows as Kubeflow Pipelines 2.17 compiles our pipeline."""

import json

STAGE_IDS: dict = {}


def workflow(tasks, run_id="r", name="salt-x7k2p"):
    """An Argo workflow as KFP 2.17 compiles the pipeline.

    Args:
        tasks: For each (stage, iteration or None) the phases of its containers, oldest first; `cached`, `driver`
            (its driver runs), `omitted` or `driver failed` instead of a list.
    """
    nodes = {}

    def node(path, kind, phase, template="", **fields):
        node_id = f"{name}-{abs(hash(path)) % 10**10}"
        began = None if phase == "Omitted" else "2026-01-02T03:04:05Z"
        ended = "2026-01-02T03:05:06Z" if phase in ("Succeeded", "Failed", "Error", "Skipped", "Omitted") else None
        nodes[node_id] = {
            "id": node_id, "name": path, "displayName": path.rpartition(".")[2], "type": kind, "phase": phase,
            "templateName": template, "startedAt": began, "finishedAt": ended, **fields,
        }  # fmt: skip

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
        node(f"{path}-driver", "Pod", driver, "system-container-driver", outputs=outputs, message="driver says")
        if phases in ("driver", "driver failed"):
            if driver == "Failed":
                node(path, "DAG", "Omitted")
            continue
        if phases == "cached":
            node(path, "DAG", "Succeeded")
            node(f"{path}.executor", "Skipped", "Skipped")
            continue
        last = phases[-1]
        ended = last if last in ("Succeeded", "Failed", "Error") else "Running"
        node(path, "DAG", ended)
        if iteration is not None:
            node(f"{path}.executor", "Retry", ended)
        for attempt, phase in enumerate(phases):
            end = f"executor({attempt})" if iteration is not None else "executor"
            message = {"Failed": "Error (exit code 2)", "Pending": "Unschedulable: 0/1 nodes are available"}.get(phase)
            node(f"{path}.{end}", "Pod", phase, template, **({"message": message} if message else {}))
    return {"metadata": {"name": name, "labels": {"pipeline/runid": run_id}}, "status": {"nodes": nodes}}


def execution(stage, iteration):
    """The id under which a task of `workflow` writes its outputs."""
    return f"{STAGE_IDS.setdefault(stage, len(STAGE_IDS)):08x}-0000-4000-8000-{iteration or 0:012x}"
