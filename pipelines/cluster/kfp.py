"""Kubeflow Pipelines' API: health, runs, recurring runs, and what the older API alone has.

The calls are those of `kfp_server_api`, the generated client under `kfp.Client`. That one's constructor asks the server
five times with pauses, remembers settings in the home directory, and its calls have no time limit and print links.
What the methods return are records of our own: the generated client's types stay here.

Every listing and creation names the namespace: in multi-user mode the API demands it, otherwise it is ignored.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.kfp_http import KfpError
from salt_pipeline.pipelines.cluster.kfp_pipelines import KfpPipelines
from salt_pipeline.pipelines.cluster.kfp_records import (
    ClusterRun,
    PipelineVersion,
    RecurringRun,
    read_recurring_run,
    read_run,
)
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.cluster.workflow import driver_failed, read_workflow

__all__ = ["ClusterRun", "Kfp", "KfpError", "PipelineVersion", "RecurringRun"]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOO_LARGE = re.compile(r"too large|larger than max", re.IGNORECASE)
"""The answers of etcd, its client and the Kubernetes API for an object that is too large to be written."""

SEARCHED = 500
"""Number of the newest runs among which a name or the beginning of an id is looked for."""


class Kfp(KfpPipelines):
    """A Kubeflow Pipelines API.

    Args:
        settings: The addresses and names of the cluster.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        import kfp_server_api as api

        super().__init__(settings)
        self._runs = api.RunServiceApi(self._client)
        self._schedules = api.RecurringRunServiceApi(self._client)

    def health(self) -> dict[str, Any]:
        """The API's description of itself: `tag_name` is its version."""
        return self.get("/apis/v2beta1/healthz")

    def date(self) -> str | None:
        """The server's clock, as HTTP writes it."""
        self.health()
        return self._client.last_response.getheader("date")

    def run(self, run_id: str) -> ClusterRun:
        """A run with its state and parameters."""
        return self.record(read_run, self.call(self._runs.run_service_get_run, run_id))

    def runs(self) -> Iterator[ClusterRun]:
        """All runs, newest first."""
        method = self._runs.run_service_list_runs
        listed = self.pages(method, "runs", namespace=self.settings.namespace, sort_by="created_at desc")
        return (self.record(read_run, found) for found in listed)

    def runs_tracked_as(self, name: str) -> list[ClusterRun]:
        """The runs that record under a name in MLflow, newest first: one that is started anew keeps its name."""
        return [run for run in islice(self.runs(), SEARCHED) if run.tracked_name == name]

    def find(self, text: str) -> ClusterRun:
        """The run of this id, of the only id that begins so, or of this name.

        Raises:
            SaltError: If there is none, or more than one.
        """
        if _UUID.fullmatch(text):
            return self.run(text)
        newest = list(islice(self.runs(), SEARCHED))
        found = [run for run in newest if run.name == text] or [run for run in newest if run.id.startswith(text)]
        if len(found) == 1:
            return self.run(found[0].id)
        if found:
            ids = ", ".join(run.id[:8] for run in found[:5])
            raise SaltError("names several runs: give the beginning of an id", field="RUN", found=text, expected=ids)
        raise SaltError("no such run: `salt runs` lists them", field="RUN", found=text)

    def start(self, name: str, experiment: str, version: PipelineVersion, parameters: dict[str, Any]) -> str:
        """Starts a run.

        Args:
            name: Its name.
            experiment: Name of its experiment, which is created if it does not exist.
            version: The version of the pipeline.
            parameters: The pipeline's parameters.

        Returns:
            Its id.
        """
        run = self._api.V2beta1Run(**self._asked(name, experiment, version, parameters))
        return self.record(_text, self.create(self._runs.run_service_create_run, run).run_id)

    def terminate(self, run_id: str) -> None:
        """Stops a run."""
        self.call(self._runs.run_service_terminate_run, run_id)

    def resume(self, run: ClusterRun) -> str:
        """Resumes a run that failed or was stopped.

        A failed one is retried: tasks that succeeded keep their results. It is started again with the same parameters
        if it was stopped, since Argo 4.0 leaves a stopped workflow that is retried hanging; if a driver failed, since
        KFP 2.17 then finds two tasks of one name in the loop (seen after a node was lost); and if the workflow is too
        large for a retry, which writes it unpacked. The training jobs of the new run resume from their checkpoints and
        record in the same MLflow run.

        Returns:
            Id of the run that continues the work.
        """
        if not run.was_stopped and not driver_failed(self.workflow(run.id)):
            try:
                self.create(self._runs.run_service_retry_run, run.id)
            except KfpError as error:
                if not _TOO_LARGE.search(str(error)):
                    raise
            else:
                return run.id
        before = self.call(self._runs.run_service_get_run, run.id)
        again = self._api.V2beta1Run(
            display_name=before.display_name,
            experiment_id=before.experiment_id,
            pipeline_version_reference=before.pipeline_version_reference,
            runtime_config=before.runtime_config,
            service_account=before.service_account,
        )
        return self.record(_text, self.create(self._runs.run_service_create_run, again).run_id)

    def schedules(self) -> Iterator[RecurringRun]:
        """All recurring runs, newest first."""
        method = self._schedules.recurring_run_service_list_recurring_runs
        namespace = self.settings.namespace
        listed = self.pages(method, "recurring_runs", namespace=namespace, sort_by="created_at desc")
        return (self.record(read_recurring_run, found) for found in listed)

    def start_schedule(
        self, name: str, experiment: str, version: PipelineVersion, parameters: dict[str, Any], cron: str
    ) -> str:
        """Creates a recurring run, with one active run at a time; missed runs are not caught up.

        Args:
            name: Its name.
            experiment: Name of its experiment, which is created if it does not exist.
            version: The version of the pipeline.
            parameters: The pipeline's parameters.
            cron: Six fields, the first of them the seconds.

        Returns:
            Its id.
        """
        # The namespace is that of the experiment: a single-user installation rejects a recurring run that names one.
        schedule = self._api.V2beta1RecurringRun(
            **self._asked(name, experiment, version, parameters),
            trigger=self._api.V2beta1Trigger(cron_schedule=self._api.V2beta1CronSchedule(cron=cron)),
            max_concurrency="1",
            no_catchup=True,
            mode="ENABLE",
        )
        made = self.create(self._schedules.recurring_run_service_create_recurring_run, schedule)
        return self.record(_text, made.recurring_run_id)

    def enable_schedule(self, schedule_id: str, enabled: bool) -> None:
        """Switches a recurring run on or off; its active runs continue."""
        on, off = (
            self._schedules.recurring_run_service_enable_recurring_run,
            self._schedules.recurring_run_service_disable_recurring_run,
        )
        self.call(on if enabled else off, schedule_id)

    def delete_schedule(self, schedule_id: str) -> None:
        """Deletes a recurring run; its runs stay."""
        self.call(self._schedules.recurring_run_service_delete_recurring_run, schedule_id)

    def workflow(self, run_id: str) -> dict[str, Any]:
        """The Argo workflow of a run with the state of all its nodes, also after Kubernetes has deleted it.

        The older API has it; the task details of the newer API lack the iteration of a loop that a task belongs to.
        """
        answer = self.get(f"/apis/v1beta1/runs/{run_id}")
        runtime = answer.get("pipeline_runtime")
        manifest = str(runtime.get("workflow_manifest") or "") if isinstance(runtime, dict) else ""
        try:
            return read_workflow(manifest) if manifest else {}
        except SaltError:
            raise self.unexpected(manifest) from None

    def log(self, run_id: str, pod: str) -> str | None:
        """The log of a pod's main container; None if the pod and its log are gone."""
        text = self.text(f"/apis/v1alpha1/runs/{run_id}/nodes/{pod}/log")
        return None if re.search(r'\{"error_message":|"error_details":', text[-4000:]) else text

    def _asked(
        self, name: str, experiment: str, version: PipelineVersion, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """The fields that a run and a recurring run have in common."""
        reference = self._api.V2beta1PipelineVersionReference(version.pipeline_id, version.id)
        root = self.settings.pipeline_root
        return {
            "display_name": name,
            "experiment_id": self.experiment_id(experiment),
            "pipeline_version_reference": reference,
            "runtime_config": self._api.V2beta1RuntimeConfig(parameters=parameters, pipeline_root=root),
            "service_account": self.settings.service_account,
        }


def _text(found: Any) -> str:
    """An id, which is a text.

    Raises:
        ValueError: If it is anything else.
    """
    if not isinstance(found, str) or not found:
        raise ValueError
    return found
