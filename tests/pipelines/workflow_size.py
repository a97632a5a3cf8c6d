"""Estimates the size of the uncompressed Argo workflow of a run, which a retry in Kubeflow Pipelines writes.

Argo has six nodes for a task: of its driver a Retry and a Pod node, then a Retry and a DAG node around its executor,
and a Retry and a Pod node of that. Each contains the task's pod-spec-patch, in which the driver puts the arguments of
KFP's launcher; the driver's two nodes also contain its own inputs. The structure is that of a real workflow of KFP 2.17
and Argo 4.0.5: one with ten jobs had 1,935,968 bytes at its end, for which the estimate is 1,946,920.
"""

import json
from typing import Any

RUN_ID = EXECUTION = "00000000-0000-4000-8000-000000000000"
STORE = json.dumps(
    {
        "Provider": "minio",
        "Params": {
            "accessKeyKey": "accesskey",
            "disableSSL": "true",
            "endpoint": "salt-minio.kubeflow:9000",
            "forcePathStyle": "true",
            "fromEnv": "false",
            "maxRetries": "5",
            "region": "us-east-1",
            "secretKeyKey": "secretkey",
            "secretName": "mlpipeline-minio-artifact",
        },
    },
    separators=(",", ":"),
)
"""The store of an artifact, as the launcher records it with each one."""

NODE = {
    "boundaryID": "salt-x7k2p-1044801451",
    "displayName": "executor(0)",
    "finishedAt": "2026-11-27T02:48:50Z",
    "hostNodeName": "node1",
    "id": "salt-x7k2p-471141977",
    "nodeFlag": {"retried": True},
    "phase": "Succeeded",
    "progress": "1/1",
    "resourcesDuration": {"cpu": 100, "memory": 300},
    "startedAt": "2026-11-27T02:48:45Z",
    "templateName": "retry-system-container-impl",
    "templateScope": "local/salt-x7k2p",
    "type": "Pod",
    "children": ["salt-x7k2p-471141977"],
    "outboundNodes": ["salt-x7k2p-471141977"],
    "taskResultSynced": True,
}
"""The fields that every node has."""

FIXED = 90_000
"""Bytes of the specification of the workflow, and of the nodes around the tasks that exist once."""

ITERATION = 15_500
"""Bytes of the nodes around the tasks of one iteration; most of them are the component of the loop, twice."""


def estimate(spec: dict[str, Any], platform: dict[str, Any], jobs: int, metadata: dict[str, dict[str, str]]) -> int:
    """Bytes of the unpacked workflow of a run in which every task has run once.

    Args:
        spec: The compiled pipeline.
        platform: Its second document, with the fields for Kubernetes.
        jobs: Number of jobs in the loop.
        metadata: The metadata of artifacts, by output.
    """
    loop = next(task for task in spec["root"]["dag"]["tasks"].values() if "parameterIterator" in task)
    inner = spec["components"][loop["componentRef"]["name"]]["dag"]["tasks"]
    size = FIXED + jobs * ITERATION
    for tasks, times in ((spec["root"]["dag"]["tasks"], 1), (inner, jobs)):
        for name, task in tasks.items():
            if task is not loop:
                size += times * _task_bytes(name, task, spec, platform, jobs, metadata)
    return size


def _task_bytes(name: str, task: Any, spec: Any, platform: Any, jobs: int, metadata: Any) -> int:
    component = spec["components"][task["componentRef"]["name"]]
    label = component["executorLabel"]
    container = spec["deploymentSpec"]["executors"][label]["container"]
    asked = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].get(label, {})
    patch = {"name": "pod-spec-patch", "value": _patch(name, component, container, asked, jobs, metadata)}
    inputs = {"component": component, "task": task, "container": container, "kubernetes-config": asked}
    given = [{"name": kind, "value": json.dumps(what)} for kind, what in inputs.items()]
    path = f"salt-x7k2p(0).root(0).for-loop-1(0).iteration-iterations(0:0)(0).iteration-item(0).{name}(0).executor(0)"
    executor = {**NODE, "name": path, "inputs": {"parameters": [patch]}}
    driver = {**NODE, "name": path, "inputs": {"parameters": given}, "outputs": {"parameters": [patch]}}
    return 4 * len(_packed(executor)) + 2 * len(_packed(driver))


def _patch(name: str, component: Any, container: Any, asked: Any, jobs: int, metadata: Any) -> str:
    """A task's pod-spec-patch, as its driver makes it."""
    outputs = {**component["outputDefinitions"].get("artifacts", {}), "executor-logs": _LOGS}
    executor_input = {
        "inputs": {
            "artifacts": {
                key: {"artifacts": [_artifact(key, metadata)] * (jobs if value.get("isArtifactList") else 1)}
                for key, value in component["inputDefinitions"].get("artifacts", {}).items()
            },
            "parameterValues": dict.fromkeys(component["inputDefinitions"].get("parameters", {}), "x" * 24),
        },
        "outputs": {
            "artifacts": {
                key: {"artifacts": [{"name": key, "type": value["artifactType"], "uri": _uri(name, key)}]}
                for key, value in outputs.items()
            },
            "outputFile": _uri(name, "output_metadata.json"),
        },
    }
    launcher = [
        "/kfp-launcher/launch",
        "--pipeline_name",
        "salt",
        "--run_id",
        RUN_ID,
        "--execution_id",
        "100",
        "--executor_input",
        json.dumps(executor_input),
        "--component_spec",
        json.dumps(component),
        "--pod_name",
        "$(KFP_POD_NAME)",
        "--pod_uid",
        "$(KFP_POD_UID)",
        "--ml_pipeline_server_address",
        "ml-pipeline.kubeflow.svc.cluster.local",
        "--ml_pipeline_server_port",
        "8887",
        "--mlmd_server_address",
        "metadata-grpc-service.kubeflow.svc.cluster.local",
        "--mlmd_server_port",
        "8080",
        "--publish_logs",
        "true",
        "--publish_logs",
        "true",
        "--",
    ]
    env = [
        {"name": pair["envVar"], "valueFrom": {f"{kind}KeyRef": {"name": "salt-settings", "key": pair["envVar"]}}}
        for kind in ("configMap", "secret")
        for entry in asked.get(f"{kind}AsEnv", ())
        for pair in entry["keyToEnv"]
    ]
    command = [*container["command"], *container["args"]]
    main = {"name": "main", "image": container["image"], "command": launcher, "args": command, "env": env}
    rest = {key: value for key, value in asked.items() if key not in ("configMapAsEnv", "secretAsEnv")}
    return _packed({"containers": [{**main, "resources": container["resources"]}], **rest})


def _artifact(name: str, metadata: dict[str, dict[str, str]]) -> dict[str, Any]:
    """An input artifact in the launcher's arguments."""
    facts = {"display_name": name, "stage_seconds": "100.0", **metadata.get(name, {}), "store_session_info": STORE}
    return {"name": "100", "uri": _uri("train-fold", name), "metadata": facts}


def _uri(task: str, output: str) -> str:
    return f"minio://mlpipeline/v2/artifacts/salt/{RUN_ID}/{task}/{EXECUTION}/{output}"


def _packed(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


_LOGS = {"artifactType": {"schemaTitle": "system.Artifact"}}
"""The output that KFP's driver adds where it publishes logs."""
