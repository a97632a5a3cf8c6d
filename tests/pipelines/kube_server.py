"""A small HTTP server that speaks as much of Kubernetes' API as the commands ask for."""

import base64
import json

from tests.pipelines.kfp_server import Server


class KubeServer(Server):
    """A Kubernetes API with one namespace, in memory."""

    def __init__(self, tmp_path):
        super().__init__()
        self.objects: dict = {
            "secrets": {},
            "configmaps": {},
            "serviceaccounts": {},
            "deployments": {},
            "nodepools": {},
        }
        self.nodes, self.pods, self.workflows = [], [], []
        self.logs: dict = {}
        self.minor, self.forbidden, self.may_not = "34", set(), set()
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

    def put(self, kind, name, data):
        held = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.objects[kind][name] = {"metadata": {"name": name}, "data": held if kind == "secrets" else data}

    def secret(self, name):
        held = self.objects["secrets"].get(name)
        return held and {key: base64.b64decode(value).decode() for key, value in held["data"].items()}

    def answer(self, method, path, query, body, headers):
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
        if kind in self.forbidden:
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

    def _object(self, method, kind, steps, body):
        held = self.objects[kind]
        if method == "GET":
            return held.get(steps[-1])
        asked = json.loads(body)
        name = asked["metadata"]["name"]
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in asked["stringData"].items()}
        before = held.get(name, {}).get("data", {}) if method == "PATCH" else {}
        held[name] = {"metadata": asked["metadata"], "data": before | coded}
        return held[name]


def node(name, *, cpu="8", memory="32Gi", gpus=0, labels=None, taints=(), ready="True", cordoned=False, images=()):
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


def pod(where, *containers, init=()):
    """A pod on a node, or on none: what each of its containers requests."""

    def made(asked):
        return [{"name": f"c{i}", "resources": {"requests": requests}} for i, requests in enumerate(asked)]

    return {
        "metadata": {"name": "p"},
        "spec": {"nodeName": where, "containers": made(containers), "initContainers": made(init)},
    }
