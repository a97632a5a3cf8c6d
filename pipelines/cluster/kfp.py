"""Kubeflow Pipelines' API: health, runs, recurring runs, and what the older API alone has.

The calls are those of `kfp_server_api`, the generated client under `kfp.Client`. That one's constructor asks the server
five times with pauses, remembers settings in the home directory, and its calls wait for ever and print links.

Every listing and creation names the namespace: in multi-user mode the API demands it, otherwise it is ignored.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.kfp_http import KfpError, KfpHttp
from salt_pipeline.pipelines.cluster.settings import ClusterSettings

__all__ = ["Kfp", "KfpError"]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOO_LARGE = re.compile(r"too large|larger than max", re.IGNORECASE)
"""What etcd, its client and the Kubernetes API answer to an object that is too large to be written."""

SEARCHED = 500
"""Newest runs among which a name or the beginning of an id is looked for."""


class Kfp(KfpHttp):
    """A Kubeflow Pipelines API.

    Args:
        settings: Where it is and what it asks for.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        import kfp_server_api as api

        super().__init__(settings)
        self._runs = api.RunServiceApi(self._client)
        self._schedules = api.RecurringRunServiceApi(self._client)
        self.pipelines = api.PipelineServiceApi(self._client)
        self.uploads = api.PipelineUploadServiceApi(self._client)
        self.experiments = api.ExperimentServiceApi(self._client)

    def health(self) -> dict[str, Any]:
        """What the API says of itself: `tag_name` is its version."""
        return self.get("/apis/v2beta1/healthz")

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
        method = self._runs.run_service_list_runs
        return self.pages(method, "runs", namespace=self.settings.namespace, sort_by="created_at desc")

    def schedules(self) -> Iterator[Any]:
        """All recurring runs, newest first."""
        method = self._schedules.recurring_run_service_list_recurring_runs
        return self.pages(method, "recurring_runs", namespace=self.settings.namespace, sort_by="created_at desc")

    def start_schedule(self, schedule: Any) -> Any:
        """Creates a recurring run; the same with its id."""
        return self.call(self._schedules.recurring_run_service_create_recurring_run, schedule)

    def enable_schedule(self, schedule_id: str, enabled: bool) -> None:
        """Switches a recurring run on or off; runs that have begun go on."""
        on, off = (
            self._schedules.recurring_run_service_enable_recurring_run,
            self._schedules.recurring_run_service_disable_recurring_run,
        )
        self.call(on if enabled else off, schedule_id)

    def delete_schedule(self, schedule_id: str) -> None:
        """Deletes a recurring run; its runs stay."""
        self.call(self._schedules.recurring_run_service_delete_recurring_run, schedule_id)

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
        answer = self.get(f"/apis/v1beta1/runs/{run_id}")
        manifest = str((answer.get("pipeline_runtime") or {}).get("workflow_manifest") or "")
        try:
            return json.loads(manifest) if manifest else {}
        except ValueError:
            raise self.unexpected(manifest) from None

    def log(self, run_id: str, pod: str) -> str | None:
        """What a pod's main container has written; none when the pod and its log are gone."""
        text = self.text(f"/apis/v1alpha1/runs/{run_id}/nodes/{pod}/log")
        return None if re.search(r'\{"error_message":|"error_details":', text[-4000:]) else text
