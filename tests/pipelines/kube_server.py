"""A small HTTP server with the part of the API of Kubernetes that the commands use."""

import base64
import json
from pathlib import Path
from typing import Any

from tests.pipelines.kfp_server import Server


class KubeServer(Server):
    """A Kubernetes API with one namespace, in memory.

    Attributes:
        forbidden: Kinds of objects, or a method and a kind as `POST secrets`, that are answered with 403.
        may_not: Verb and resource of each permission that the service account does not have.
    """

    def __init__(self, tmp_path: Path) -> None:
        super().__init__()
        self.objects: dict = {
            "secrets": {},
            "configmaps": {},
            "serviceaccounts": {},
            "deployments": {},
            "nodepools": {},
        }
        self.nodes: list[Any] = []
        self.pods: list[Any] = []
        self.workflows: list[Any] = []
        self.logs: dict = {}
        self.minor = "34"
        self.forbidden: set[Any] = set()
        self.may_not: set[Any] = set()
        self.config = tmp_path / "kubeconfig"
        said = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": "t"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        self.config.write_text(json.dumps(said))

    def put(self, kind: Any, name: Any, data: Any) -> None:
        held = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.objects[kind][name] = {"metadata": {"name": name}, "data": held if kind == "secrets" else data}

    def secret(self, name: Any) -> Any:
        held = self.objects["secrets"].get(name)
        return held and {key: base64.b64decode(value).decode() for key, value in held["data"].items()}

    def answer(self, method: Any, path: Any, query: Any, body: Any, headers: Any) -> Any:
        steps = path.strip("/").split("/")
        if path == "/version/":
            return {
                "major": "1",
                "minor": self.minor,
                "gitVersion": "",
                "gitCommit": "",
                "gitTreeState": "",
                "buildDate": "",
                "goVersion": "",
                "compiler": "",
                "platform": "",
            }
        kind = steps[5] if steps[0] == "apis" and len(steps) > 5 else steps[4] if len(steps) > 4 else steps[-1]
        if not self.forbidden.isdisjoint((kind, f"{method} {kind}")):
            said = json.dumps({"message": f"{kind} is forbidden", "reason": "Forbidden", "code": 403})
            return 403, "application/json", said.encode()
        if kind == "localsubjectaccessreviews":
            asked = json.loads(body)
            what = asked["spec"]["resourceAttributes"]
            allowed = (what["verb"], what["resource"]) not in self.may_not
            return {**asked, "status": {"allowed": allowed}}
        if steps[-1] == "log":
            text = self.logs.get(steps[-2])
            return None if text is None else (200, "text/plain", text.encode())
        if kind in ("nodes", "pods", "workflows"):
            return {"items": getattr(self, kind), "metadata": {}}
        return self._object(method, kind, steps, body)

    def _object(self, method: Any, kind: Any, steps: Any, body: Any) -> Any:
        held = self.objects[kind]
        if method == "GET":
            return held.get(steps[-1])
        asked = json.loads(body)
        name = asked["metadata"]["name"]
        if method == "POST" and name in held:
            said = {"message": f'{kind} "{name}" already exists', "reason": "AlreadyExists", "code": 409}
            return 409, "application/json", json.dumps(said).encode()
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in asked["stringData"].items()}
        before = held.get(name, {}).get("data", {}) if method == "PATCH" else {}
        held[name] = {"metadata": asked["metadata"], "data": before | coded}
        return held[name]


def node(
    name: Any,
    *,
    cpu: Any = "8",
    memory: Any = "32Gi",
    gpus: Any = 0,
    labels: Any = None,
    taints: Any = (),
    ready: Any = "True",
    cordoned: Any = False,
    images: Any = (),
) -> Any:
    """A node as Kubernetes lists it."""
    allocatable = {"cpu": cpu, "memory": memory, "pods": "110"} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"unschedulable": cordoned, "taints": list(taints)},
        "status": {
            "allocatable": allocatable,
            "images": [{"names": list(images)}],
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def pod(where: Any, *containers: Any, init: Any = ()) -> Any:
    """A pod on a node, or on none, with the requests of each of its containers and init containers."""

    def made(asked: Any) -> Any:
        return [{"name": f"c{i}", "resources": {"requests": requests}} for i, requests in enumerate(asked)]

    return {
        "metadata": {"name": "p"},
        "spec": {"nodeName": where, "containers": made(containers), "initContainers": made(init)},
    }
