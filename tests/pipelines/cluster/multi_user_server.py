"""Kubeflow Pipelines in multi-user mode behind a log-in, with the error messages of KFP 2.17.

The messages are those of backend/src/apiserver/server: run_server.go, experiment_server.go, job_server.go (recurring
runs), pipeline_server.go; and of resource/resource_manager.go. An error that wraps another one precedes it.
"""

import json
from typing import Any

from tests.pipelines.kfp_server import KfpServer, refusal

USER = "ada@example.org"


class MultiUserServer(KfpServer):
    """Kubeflow Pipelines with profiles.

    Attributes:
        profile: The only namespace in which the user has permissions.
        session: Bearer token of a program.
        cookie: Session cookie of a log-in.
        gateway: Whether a proxy redirects requests without either to a log-in, as Istio with oauth2-proxy does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.profile, self.session, self.cookie, self.gateway = (
            "team-salt",
            "token-1",
            "authservice_session=s3ss10n",
            True,
        )

    def answer(self, method: Any, path: Any, query: Any, body: Any, headers: Any) -> Any:
        shown = (headers.get("authorization"), headers.get("cookie"))
        if shown[0] != f"Bearer {self.session}" and shown[1] != self.cookie:
            if self.gateway:
                return 302, "text/html", b""
            return refusal(
                401,
                "Unauthenticated: Failed to check authorization. User identity is empty in the request header: "
                "Request header error: there is no user identity header.",
            )
        kind = path.strip("/").split("/")[2:]
        if kind == ["healthz"]:
            return {"tag_name": "2.17.0", "multi_user": True}
        check = (
            {
                "runs": self._run,
                "experiments": self._experiment,
                "recurringruns": self._schedule,
                "pipelines": self._pipeline,
            }.get(kind[0])
            if len(kind) == 1
            else None
        )
        asked = json.loads(body) if check and method == "POST" else query
        refused = check(method, asked) if check else None
        return refused or super().answer(method, path, query, body, headers)

    def namespace_of(self, experiment: Any) -> Any:
        return experiment.get("namespace", "")

    def _denied(self, around: Any, namespace: Any) -> Any:
        if namespace == self.profile:
            return None
        return refusal(
            403,
            f"{around}: PermissionDenied: User '{USER}' is not authorized with reason:  (request: "
            f"&ResourceAttributes{{Namespace:{namespace},Verb:list}}): Unauthorized access",
        )

    def _run(self, method: Any, asked: Any) -> Any:
        if method == "POST":
            if not asked.get("experiment_id"):
                return refusal(
                    400,
                    "Failed to create a new run: Failed to create a run due to invalid experimentId and namespace "
                    "combination: Invalid input error: Experiment id can not be empty in multi-user mode",
                )
            return None
        namespace = asked.get("namespace", "")
        around = (
            "Failed to list runs: Failed to list runs due to authorization error. Check if you have permission to "
            f"access namespace {namespace}"
        )
        if not namespace:
            return refusal(
                400, f"{around}: Invalid input error: A run cannot have an empty namespace in multi-user mode"
            )
        return self._denied(
            f"{around}: Failed to access run . Check if you have access to namespace {namespace}", namespace
        )

    def _experiment(self, method: Any, asked: Any) -> Any:
        namespace = asked.get("namespace", "")
        around = (
            "Failed to create a experiment: Failed to authorize the request"
            if method == "POST"
            else "List experiments failed: Failed to authorize with API"
        )
        if not namespace:
            said = "Invalid input error: An experiment cannot have an empty namespace in multi-user mode"
            return refusal(400, f"{around}: {said}")
        return self._denied(f"{around}: Failed to authorize with API", namespace)

    def _schedule(self, method: Any, asked: Any) -> Any:
        if method == "POST":
            return None
        namespace = asked.get("namespace", "")
        around = (
            "Failed to list jobs: Failed to list recurring runs due to authorization error. Check if you have "
            f"permission to access namespace {namespace}"
        )
        if not namespace:
            said = "Invalid input error: a recurring run cannot have an empty namespace in multi-user mode"
            return refusal(400, f"{around}: {said}")
        return self._denied(around, namespace)

    def _pipeline(self, method: Any, asked: Any) -> Any:
        namespace = asked.get("namespace", "")
        if method != "POST":
            around = f"Failed to list pipelines in namespace {namespace}. Check error stack"
            return self._denied(around, namespace) if namespace else None
        around = (
            "Failed to create a pipeline due to authorization error. Check if you have write permissions to "
            f"namespace {namespace}"
        )
        if not namespace:  # a pipeline that all namespaces share
            around += ": Failed to access shared pipeline . Check if you have permission to create shared pipelines"
        return self._denied(around, namespace or "kubeflow")
