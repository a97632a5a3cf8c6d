"""Talks to Kubeflow Pipelines: every call has a time limit, every failure is one line.

The calls are those of `kfp_server_api`, the generated client under `kfp.Client`. That one's constructor asks the server
five times with pauses, remembers settings in the home directory, and its calls wait for ever and print links.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from components.core.errors import SaltError
from pipelines.cluster_settings import ClusterSettings
from pipelines.network import ANSWER_SECONDS, CONNECT_SECONDS, one_line, reason

_FORWARD = "; is it forwarded? kubectl port-forward -n {} svc/ml-pipeline 8888:8888"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOO_LARGE = re.compile(r"too large|larger than max", re.IGNORECASE)
"""What etcd, its client and the Kubernetes API answer to an object that is too large to be written."""

SEARCHED = 500
"""Newest runs among which a name or the beginning of an id is looked for."""


class KfpError(SaltError):
    """Kubeflow Pipelines did not do what was asked.

    Attributes:
        status: HTTP status, 0 where there was no answer.
    """

    def __init__(self, problem: str, url: str, status: int = 0, **facts: Any) -> None:
        super().__init__(problem, file=f"Kubeflow Pipelines at {url}", **facts)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the next attempt may do better."""
        return self.status in {0, 429} or self.status >= 500


class Kfp:
    """A Kubeflow Pipelines API.

    Args:
        settings: Where it is and what it asks for.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        import kfp_server_api as api

        self.settings = settings
        config = api.Configuration(host=settings.kfp_url)
        config.client_side_validation = False  # a newer server may know further states
        config.retries = False
        if settings.kfp_ca_file:
            config.ssl_ca_cert = str(settings.kfp_ca_file)
        if settings.kfp_token:
            config.api_key["authorization"] = settings.kfp_token.get_secret_value()
            config.api_key_prefix["authorization"] = "Bearer"
        self._client = api.ApiClient(config)
        self._runs = api.RunServiceApi(self._client)
        self.pipelines = api.PipelineServiceApi(self._client)
        self.uploads = api.PipelineUploadServiceApi(self._client)
        self.experiments = api.ExperimentServiceApi(self._client)

    def call(self, method: Callable[..., Any], *words: Any, **named: Any) -> Any:
        """Calls a method of the generated client.

        Raises:
            KfpError: If there is no answer, no good one, or none of Kubeflow Pipelines.
        """
        return self._guard(lambda: method(*words, **named, _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS)))

    def health(self) -> dict[str, Any]:
        """What the API says of itself: `tag_name` is its version."""
        return self._get("/apis/v2beta1/healthz")

    def date(self) -> str | None:
        """The server's clock, as HTTP writes it."""
        self.health()
        return self._client.last_response.getheader("date")

    def run(self, run_id: str) -> Any:
        """A run with its state and parameters."""
        return self.call(self._runs.run_service_get_run, run_id)

    def start(self, run: Any) -> Any:
        """Creates a run; the same with its id."""
        return self.call(self._runs.run_service_create_run, run)

    def terminate(self, run_id: str) -> None:
        """Stops a run."""
        self.call(self._runs.run_service_terminate_run, run_id)

    def go_on(self, run: Any) -> str:
        """Lets a run go on that failed or was stopped.

        A failed one is retried: what has succeeded stays. It is started anew with the same parameters where it was
        stopped, for Argo 4.0 leaves a stopped workflow that is retried hanging, and where the workflow is too large for
        a retry, which writes it unpacked. The training jobs of the new run resume from their checkpoints and record in
        the same MLflow run.

        Returns:
            Id of the run that goes on.
        """
        import kfp_server_api as api

        if not any(step.state in ("CANCELING", "CANCELED") for step in run.state_history or ()):
            try:
                self.call(self._runs.run_service_retry_run, run.run_id)
            except KfpError as error:
                if not _TOO_LARGE.search(str(error)):
                    raise
            else:
                return run.run_id
        again = api.V2beta1Run(
            display_name=run.display_name,
            experiment_id=run.experiment_id,
            pipeline_version_reference=run.pipeline_version_reference,
            runtime_config=run.runtime_config,
            service_account=run.service_account,
        )
        return self.start(again).run_id

    def runs(self) -> Iterator[Any]:
        """All runs, newest first."""
        return self.pages(self._runs.run_service_list_runs, "runs", sort_by="created_at desc")

    def pages(self, method: Callable[..., Any], field: str, *words: Any, **named: Any) -> Iterator[Any]:
        """Every item of a listing, page by page as they are asked for."""
        token = ""
        while True:
            page = self.call(method, *words, **named, page_token=token, page_size=50)
            yield from getattr(page, field) or []
            token = page.next_page_token
            if not token:
                return

    def find(self, text: str) -> Any:
        """The run of this id, of the only id that begins so, or of this name.

        Raises:
            SaltError: If there is none, or more than one.
        """
        if _UUID.fullmatch(text):
            return self.run(text)
        newest = list(islice(self.runs(), SEARCHED))
        found = [run for run in newest if run.display_name == text] or [
            run for run in newest if run.run_id.startswith(text)
        ]
        if len(found) == 1:
            return self.run(found[0].run_id)
        if found:
            ids = ", ".join(run.run_id[:8] for run in found[:5])
            raise SaltError("names several runs: give the beginning of an id", field="RUN", found=text, expected=ids)
        raise SaltError("no such run: `salt runs` lists them", field="RUN", found=text)

    def workflow(self, run_id: str) -> dict[str, Any]:
        """The Argo workflow of a run with the state of all its nodes, also after Kubernetes has forgotten it.

        The older API has it; the newer one's task details do not say which iteration of a loop a task belongs to.
        """
        answer = self._get(f"/apis/v1beta1/runs/{run_id}")
        manifest = str((answer.get("pipeline_runtime") or {}).get("workflow_manifest") or "")
        try:
            return json.loads(manifest) if manifest else {}
        except ValueError:
            raise self._strange(manifest) from None

    def log(self, run_id: str, pod: str) -> str | None:
        """What a pod's main container has written; none when the pod and its log are gone."""
        text = self._text(f"/apis/v1alpha1/runs/{run_id}/nodes/{pod}/log")
        return None if re.search(r'\{"error_message":|"error_details":', text[-4000:]) else text

    def _get(self, path: str) -> dict[str, Any]:
        text = self._text(path)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._strange(text)
        return answer

    def _text(self, path: str) -> str:
        config = self._client.configuration
        token = config.get_api_key_with_prefix("authorization")
        headers = {"authorization": token} if token else {}
        limit = (CONNECT_SECONDS, ANSWER_SECONDS)

        def ask() -> Any:
            url = config.host + path
            self._client.last_response = self._client.request("GET", url, headers=headers, _request_timeout=limit)
            return None

        self._guard(ask, json_only=False)
        return _decoded(self._client.last_response.data)

    def _guard(self, ask: Callable[[], Any], json_only: bool = True) -> Any:
        import kfp_server_api as api
        import urllib3

        url = self.settings.kfp_url
        self._client.last_response = None
        try:
            answer = ask()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            here = re.match(r"https?://(127\.|localhost)", url)
            hint = _FORWARD.format(self.settings.namespace) if here else ""
            raise KfpError(f"cannot be reached: {reason(error)}{hint}", url) from None
        except api.ApiException as error:
            raise KfpError(_said(error), url, error.status or 0) from None
        except (ValueError, AttributeError) as error:
            # The generated client stumbles over TLS errors and over answers of another shape.
            raise KfpError(f"cannot be understood: {error or type(error).__name__}", url) from None
        text = _decoded(self._client.last_response.data)
        if json_only and not text.lstrip().startswith("{"):
            raise self._strange(text)
        return answer

    def _strange(self, text: str) -> KfpError:
        found = one_line(text, 60) or "nothing"
        return KfpError("does not answer as its API does: see SALT_KFP_URL", self.settings.kfp_url, 400, found=found)


def _decoded(data: str | bytes) -> str:
    return data.decode(errors="replace") if isinstance(data, bytes) else data


def _said(error: Any) -> str:
    """An answer that is an error, in one line."""
    if error.status in (401, 403):
        return f"refuses us ({error.status}): see SALT_KFP_TOKEN"
    if 300 <= (error.status or 0) < 400:
        return f"sends us elsewhere ({error.status}), likely to log in: see SALT_KFP_URL and SALT_KFP_TOKEN"
    body = _decoded(error.body or "")
    try:
        answer = json.loads(body)
        text = answer.get("message") or answer.get("error_message") or answer.get("error") or ""
    except (ValueError, AttributeError):
        text = "" if "<" in body else body
    line = one_line(str(text))
    return f"answers with an error: {error.status} {error.reason}{f': {line}' if line else ''}"
