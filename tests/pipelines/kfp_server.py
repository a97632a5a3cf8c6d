"""A small HTTP server with the part of the API of Kubeflow Pipelines that the commands use.

Field names and shapes are those of backend/api/v2beta1 and of KFP's router (2.17).
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4


class Server:
    """A server on a free port, answering from `self.answer`, or with a fault.

    Faults: a status as `500`, `html` (a page of another program), `dex` (a log-in page), `slow` (no answer
    until the server closes), `empty`.
    """

    def __init__(self) -> None:
        self.fault: str | None = None
        self.asked: list = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.path))
                if outer.fault == "slow":
                    outer.released.wait()
                    self.close_connection = True
                    return
                status, kind, said = outer.faulty() or outer.respond(self.command, self.path, body, self.headers)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if status == 302:
                    self.send_header("Location", "/dex/auth?client_id=kubeflow&state=5ecre7")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.released.set()
        self.http.shutdown()
        self.http.server_close()

    def faulty(self) -> Any:
        if self.fault == "html":
            return 200, "text/html", b"<!doctype html><title>Another program</title>"
        if self.fault == "dex":
            return (
                200,
                "text/html",
                b"<!DOCTYPE html>\n<html><title>dex</title>Log in to Your Account</html>",
            )
        if self.fault == "empty":
            return 200, "application/json", b""
        if self.fault == "list":
            return 200, "application/json", b"[1, 2]"
        if self.fault:
            text = json.dumps({"error": "it broke", "code": 13, "message": "it broke\nin two lines", "details": []})
            return int(self.fault), "application/json", text.encode()
        return None

    def answer(self, method: Any, path: Any, query: Any, body: Any, headers: Any) -> Any:
        """An object for JSON, or status, content type and bytes; None for an object that does not exist."""
        raise NotImplementedError

    def respond(self, method: Any, path: Any, body: Any, headers: Any) -> Any:
        parts = urlsplit(path)
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        found = self.answer(method, parts.path, query, body, headers)
        if isinstance(found, tuple):
            return found
        if found is None:
            said = {"code": 5, "message": f"{parts.path} not found", "status": "Failure", "reason": "NotFound"}
            return 404, "application/json", json.dumps(said).encode()
        return 200, "application/json", json.dumps(found).encode()


def refusal(status: Any, message: Any) -> Any:
    """An error as KFP's gateway writes it."""
    code = {400: 3, 401: 16, 403: 7}[status]
    said = {"error": message, "code": code, "message": message, "details": []}
    return status, "application/json", json.dumps(said).encode()


class KfpServer(Server):
    """Kubeflow Pipelines' API, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.pipelines: list[Any] = []
        self.versions: list[Any] = []
        self.experiments: list[Any] = []
        self.runs: dict[str, Any] = {}
        self.workflows: dict[str, Any] = {}
        self.logs: dict[Any, Any] = {}
        self.uploads: list[Any] = []
        self.schedules: list[Any] = []
        self.token: str | None = None
        self.retry_error = ""

    def add_run(
        self,
        name: Any,
        state: Any = "RUNNING",
        run_id: Any = None,
        parameters: Any = None,
        created: Any = "2026-01-02T03:04:05Z",
        **fields: Any,
    ) -> Any:
        run_id = run_id or str(uuid4())
        self.runs[run_id] = {
            "run_id": run_id,
            "display_name": name,
            "state": state,
            "created_at": created,
            "finished_at": "1970-01-01T00:00:00Z" if state == "RUNNING" else "2026-01-02T04:04:05Z",
            "runtime_config": {"parameters": parameters or {}},
            **fields,
        }
        return run_id

    def answer(self, method: Any, path: Any, query: Any, body: Any, headers: Any) -> Any:  # noqa: PLR0911 - an endpoint each
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            return 401, "application/json", b'{"code": 16, "message": "Unauthenticated"}'
        steps = path.strip("/").split("/")
        if steps[0] != "apis":
            return None
        if steps[1:] == ["v2beta1", "healthz"]:
            return {"commit_sha": "0", "tag_name": "2.17.0", "multi_user": False}
        if steps[1:3] == ["v1alpha1", "runs"]:
            text = self.logs.get(steps[5])
            missing = json.dumps({"error_message": "pod not found", "error_details": "..."})
            return 200, "text/plain", (missing if text is None else text).encode()
        if steps[1:3] == ["v1beta1", "runs"]:
            workflow = self.workflows.get(steps[3])
            runtime = {"workflow_manifest": json.dumps(workflow)} if workflow else {}
            return {"run": {"id": steps[3]}, "pipeline_runtime": runtime}
        kind = steps[2]
        if kind == "runs":
            return self._runs(method, steps[3:], query, body)
        if kind == "recurringruns":
            return self._schedules(method, steps[3:], query, body)
        if kind == "experiments":
            return self._listed(method, self.experiments, "experiments", "experiment_id", query, body)
        if steps[3:] == ["upload_version"]:
            self.uploads.append(body)
            made = {
                "pipeline_id": query["pipelineid"],
                "pipeline_version_id": str(uuid4()),
                "name": query["name"],
                "display_name": query.get("display_name", query["name"]),
            }
            self.versions.append(made)
            return made
        if len(steps) == 5 and steps[4] == "versions":
            mine = [version for version in self.versions if version["pipeline_id"] == steps[3]]
            return self._listed(method, mine, "pipeline_versions", "pipeline_version_id", query, body)
        return self._listed(method, self.pipelines, "pipelines", "pipeline_id", query, body)

    def _runs(self, method: Any, steps: Any, query: Any, body: Any) -> Any:
        if not steps:
            if method == "GET":
                newest = sorted(self.runs.values(), key=lambda run: run["created_at"], reverse=True)
                return self._listed(method, newest, "runs", "run_id", query, body)
            asked = json.loads(body)
            run_id = self.add_run(asked["display_name"], "PENDING")
            self.runs[run_id] |= asked
            return self.runs[run_id]
        run_id, _, verb = steps[0].partition(":")
        run = self.runs.get(run_id)
        if run and verb == "terminate":
            run["state"] = "CANCELING"
        elif run and verb == "retry" and self.retry_error:
            said = {"error": self.retry_error, "code": 13, "message": self.retry_error, "details": []}
            return 500, "application/json", json.dumps(said).encode()
        elif run and verb == "retry":
            run["state"] = "RUNNING"
        return run

    def _schedules(self, method: Any, steps: Any, query: Any, body: Any) -> Any:
        if not steps:
            if method == "POST" and (refused := self.combination(json.loads(body))):
                return refused
            made = self._listed(method, self.schedules, "recurringRuns", "recurring_run_id", query, body)
            if method == "POST":
                made["status"] = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[made["mode"]]
            return made
        schedule_id, _, verb = steps[0].partition(":")
        found = next((one for one in self.schedules if one["recurring_run_id"] == schedule_id), None)
        if found is None:
            return None
        if method == "DELETE":
            self.schedules.remove(found)
        else:
            found["status"] = f"{verb}d".upper()
        return {}

    def combination(self, asked: Any) -> Any:
        """Refuses an experiment of another namespace: GetValidExperimentNamespacePair of resource_manager.go."""
        experiment = next(one for one in self.experiments if one["experiment_id"] == asked["experiment_id"])
        named, own = asked.get("namespace", ""), self.namespace_of(experiment)
        if named in ("", own):
            return None
        return refusal(
            400,
            "Failed to create a recurring run: Failed to create a recurring run due to invalid experimentId and "
            f"namespace combination: Invalid input error: Experiment {asked['experiment_id']} belongs to namespace "
            f"'{own}' instead of '{named}'",
        )

    def namespace_of(self, _experiment: Any) -> Any:
        """The namespace of an experiment; in single-user mode it has none, whatever it was created with."""
        return ""

    def _listed(self, method: Any, items: Any, field: Any, id_field: Any, query: Any, body: Any) -> Any:
        if method == "POST":
            made = {id_field: str(uuid4()), **json.loads(body)}
            items.append(made)
            return made
        for wanted in json.loads(query.get("filter", "{}")).get("predicates", []):
            assert wanted["operation"] == "EQUALS"
            items = [item for item in items if item[wanted["key"]] == wanted["string_value"]]
        begin, size = int(query.get("page_token") or 0), min(int(query.get("page_size") or 10), 3)
        token = {"next_page_token": str(begin + size)} if begin + size < len(items) else {}
        return {field: items[begin : begin + size], "total_size": len(items), **token}
