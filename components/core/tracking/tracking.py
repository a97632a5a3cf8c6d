"""Records of a run in MLflow: a parent run for the pipeline, a nested one for each job.

Runs are found by tags (`salt.run`, `salt.encoder`, `salt.fold`), never by an id passed around, so a retried or resumed
stage writes into the run it began, and one whose result came from a cache is filled in afterwards. If the server is
unreachable, work continues: a journal keeps the records and sends them once the server is back.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.components.core.tracking.address import VARIABLE
from salt_pipeline.components.core.tracking.experiment import find_runs, open_experiment
from salt_pipeline.components.core.tracking.failures import TrackingError, is_refusal, tracking_error
from salt_pipeline.components.core.tracking.journal import Journal
from salt_pipeline.components.core.tracking.run import TrackedRun, milliseconds
from salt_pipeline.components.core.tracking.server import open_client

SETTLE = 0.5
"""Least time in seconds until the runs of jobs that begin at once are all on the server: MLflow has no unique names."""

CREATED = "salt.created"
"""Tag with the time at which a run was created, Unix time in milliseconds. A run's start may lie long before it."""

JOB_PATIENCE = 15.0
"""Seconds that the end of a job waits for an unreachable server."""


def _creation(run: Any) -> tuple[str, int, str]:
    """Sorts runs by their creation; those without the tag, of older versions, come first. All times have 13 digits."""
    return run.data.tags.get(CREATED, ""), run.info.start_time, run.info.run_id


class Tracking:
    """A pipeline run in MLflow, at MLFLOW_TRACKING_URI; without that variable nothing is recorded.

    Args:
        run: Name of the pipeline run, unique to it.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.client: Any = None
        self.experiment = ""
        self._address = os.environ.get(VARIABLE, "")
        wanted = run and self._address
        self._journal = Journal("MLflow", self._connect, is_refusal, self._described) if wanted else None

    def _connect(self) -> None:
        if self.client is None:
            self.client = open_client(self._address)
        self.experiment = open_experiment(self.client)

    def _described(self, error: Exception) -> TrackingError:
        return tracking_error(error, self._address)

    def do(self, what: str, call: Callable[[], object]) -> None:
        """Makes a call, which must be idempotent: now, or when the server is reachable again.

        Args:
            what: What it records, for messages.
            call: What to do.
        """
        if self._journal:
            self._journal.do(what, call)

    def close(self, patience: float | None = None) -> None:
        """Waits for outstanding records, and logs which ones were lost.

        Args:
            patience: Seconds to wait for an unreachable server, by default JOB_PATIENCE.
        """
        if self._journal:
            self._journal.close(JOB_PATIENCE if patience is None else patience)

    def _find_or_create(self, name: str, tags: dict[str, str], began: int) -> str:
        """Finds or creates the run with these tags; if two are created at once, both callers get the first of them.

        A run that had failed or was stopped is set to running again.
        """
        own = ("salt.kind", "salt.encoder", "salt.fold", "salt.setting")
        conditions = [f"tags.`{key}` = '{value}'" for key, value in tags.items() if key in own]

        def oldest() -> Any:
            return min(find_runs(self.client, self.experiment, self.run, *conditions), key=_creation, default=None)

        found = oldest()
        if found:
            if found.info.status in ("FAILED", "KILLED"):
                self.client.update_run(found.info.run_id, status="RUNNING")
            return found.info.run_id
        began_creating = time.monotonic()
        tags = {**tags, CREATED: str(milliseconds())}
        mine = self.client.create_run(self.experiment, start_time=began, run_name=name, tags=tags).info.run_id
        time.sleep(max(SETTLE, 4 * (time.monotonic() - began_creating)))  # a slow server is slow for the others too
        chosen = oldest()
        if chosen is None or chosen.info.run_id == mine:
            return mine
        self.client.delete_run(mine)
        return chosen.info.run_id

    def parent(self, began: float | None = None) -> TrackedRun:
        """The run of the pipeline.

        Args:
            began: Unix time in seconds at which a new one begins; by default now.
        """
        return self._opened(self.run, {"salt.kind": "pipeline"}, began)

    def job(self, encoder: str, fold: int, began: float | None = None) -> TrackedRun:
        """The nested run of one encoder and fold.

        Args:
            encoder: The encoder's name.
            fold: The fold.
            began: Unix time in seconds at which a new one begins; by default now.
        """
        tags = {"salt.kind": "job", "salt.encoder": encoder, "salt.fold": str(fold), "mlflow.source.name": "train-fold"}
        return self._opened(job_title(encoder, fold), tags, began, self.parent(began))

    def sweep(self) -> TrackedRun:
        """The run of a sweep, the parent of its settings."""
        return self._opened(self.run, {"salt.kind": "sweep", "mlflow.source.name": "salt sweep"})

    def setting(self, sweep: TrackedRun, key: str, name: str) -> TrackedRun:
        """The nested run of one setting of a sweep.

        Args:
            sweep: The run of the sweep.
            key: Identifies the setting, of letters and digits.
            name: Its name for people.
        """
        tags = {"salt.kind": "setting", "salt.setting": key, "mlflow.source.name": "salt sweep"}
        return self._opened(name, tags, parent=sweep)

    def _opened(
        self, name: str, tags: dict[str, str], began: float | None = None, parent: TrackedRun | None = None
    ) -> TrackedRun:
        """Finds or creates a run; where the server is unreachable, this is done before the first later call."""
        tracked, start = TrackedRun(self), milliseconds(began)

        def call() -> None:
            above = {} if parent is None else {"mlflow.parentRunId": parent.id or ""}
            tracked.id = self._find_or_create(name, {"salt.run": self.run, **tags, **above}, start)

        self.do("run", call)
        return tracked

    def unite(self) -> None:
        """Merges duplicate parent runs: keeps the oldest, moves all jobs under it, deletes the others."""

        def call() -> None:
            found = find_runs(self.client, self.experiment, self.run)
            ours = sorted(found, key=_creation)
            first, *others = [run.info.run_id for run in ours if run.data.tags["salt.kind"] == "pipeline"]
            for run in ours:
                if run.data.tags.get("mlflow.parentRunId", first) != first:
                    self.client.set_tag(run.info.run_id, "mlflow.parentRunId", first)
            for run_id in others:
                self.client.delete_run(run_id)

        self.do("run", call)

    def end_all(self, status: str) -> None:
        """Sets the status of the pipeline's run, and of jobs that were killed before they could set it themselves."""
        self.parent().end(status)
        ended = milliseconds()

        def call() -> None:
            for run in find_runs(self.client, self.experiment, self.run):
                if run.info.status == "RUNNING":
                    self.client.set_terminated(run.info.run_id, status, ended)

        self.do("status", call)
