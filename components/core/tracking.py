"""What a run leaves in MLflow: a parent run for the pipeline, a nested one for each job.

Runs are found by tags (`salt.run`, `salt.encoder`, `salt.fold`), never by an id passed around, so a retried or resumed
stage writes into the run it began, and one whose result came from a cache is filled in afterwards. If the server is
away, work goes on: one warning, and at the end a line that says what was not recorded.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from components.core.config import option_text
from components.core.experiment import open_experiment

log = logging.getLogger(__name__)

T = TypeVar("T")

EXPERIMENT = "salt"

SETTLE = 0.5
"""Seconds, at least, in which the runs of jobs that begin at once are all on the server: MLflow has no unique names."""


def limit_waiting() -> None:
    """Has a server that is away cost seconds, not MLflow's minutes of retries."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")


@contextmanager
def patient_uploads() -> Iterator[None]:
    """Waits longer for an answer: a server gives it only when it has stored the file, and a network has 200 MB."""
    name = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    before = os.environ.get(name)
    os.environ[name] = "600"
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


class Tracking:
    """A pipeline run in MLflow, at MLFLOW_TRACKING_URI; without that variable nothing is recorded.

    Args:
        run: Name of the pipeline run, unique to it.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.lost: Counter[str] = Counter()
        self.away = not (run and os.environ.get("MLFLOW_TRACKING_URI"))
        self.silent = self.away
        self.client: Any = None
        self.experiment = ""
        if not self.away:
            self._try("connection", self._connect)

    def _connect(self) -> None:
        limit_waiting()
        from mlflow import MlflowClient

        self.client = MlflowClient()
        self.experiment = open_experiment(self.client, os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))

    def _try(self, what: str, call: Callable[[], T]) -> T | None:
        """Calls unless the server is known to be away; counts what is lost, warns the first time."""
        if not self.away:
            try:
                return call()
            except Exception as error:  # a tracking server fails in many ways, and none may stop the work
                self.away = True
                log.warning("MLflow is away, going on without it: %s", str(error).splitlines()[0])
        self.lost[what] += 1
        return None

    def _find_or_create(self, name: str, tags: dict[str, str]) -> str:
        """Finds the run with these tags, or makes it; of two made at once, both callers get the older.

        One that had failed or was stopped counts as running again.
        """
        condition = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items() if key.startswith("salt."))

        def oldest() -> Any:
            runs = [run.info for run in self.client.search_runs([self.experiment], condition)]
            return min(runs, key=lambda info: (info.start_time, info.run_id), default=None)

        found = oldest()
        if found:
            if found.status in ("FAILED", "KILLED"):
                self.client.update_run(found.run_id, status="RUNNING")
            return found.run_id
        began = time.monotonic()
        mine = self.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id
        time.sleep(max(SETTLE, 4 * (time.monotonic() - began)))  # a slow server is slow for the others too
        chosen = oldest()
        if chosen is None or chosen.run_id == mine:
            return mine
        self.client.delete_run(mine)
        return chosen.run_id

    def parent(self) -> "TrackedRun":
        """The run of the whole pipeline."""
        tags = {"salt.run": self.run, "salt.kind": "pipeline"}
        return TrackedRun(self, self._try("run", lambda: self._find_or_create(self.run, tags)))

    def job(self, encoder: str, fold: int) -> "TrackedRun":
        """The nested run of one encoder and fold."""
        parent = self.parent()
        tags = {"salt.run": self.run, "salt.kind": "job", "salt.encoder": encoder, "salt.fold": str(fold)}
        nested = {**tags, "mlflow.parentRunId": parent.id or "", "mlflow.source.name": "train-fold"}
        name = f"f{fold} {encoder}"  # MLflow's lists show the first fifteen letters
        return TrackedRun(self, self._try("run", lambda: self._find_or_create(name, nested)))

    def unite(self) -> None:
        """Leaves one run of the pipeline, the oldest, and puts all jobs under it: a slow server may have let two be."""

        def call() -> None:
            found = self.client.search_runs([self.experiment], f"tags.`salt.run` = '{self.run}'")
            ours = sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))
            first, *others = [run.info.run_id for run in ours if run.data.tags["salt.kind"] == "pipeline"]
            for run in ours:
                if run.data.tags.get("mlflow.parentRunId", first) != first:
                    self.client.set_tag(run.info.run_id, "mlflow.parentRunId", first)
            for run_id in others:
                self.client.delete_run(run_id)

        self._try("run", call)

    def end_all(self, status: str) -> None:
        """Sets the status of the pipeline's run, and of jobs that were ended before they could say so themselves."""
        self.parent().end(status)

        def call() -> None:
            for run in self.client.search_runs([self.experiment], f"tags.`salt.run` = '{self.run}'"):
                if run.info.status == "RUNNING":
                    self.client.set_terminated(run.info.run_id, status)

        self._try("status", call)

    def close(self) -> None:
        """Says what was not recorded, if anything."""
        if self.lost and not self.silent:
            log.warning("not recorded in MLflow: %s", ", ".join(f"{n} x {what}" for what, n in self.lost.items()))


class TrackedRun:
    """One MLflow run; every call may fail without harm.

    Args:
        tracking: Where it belongs.
        run_id: MLflow's id, None when the server was away.
    """

    def __init__(self, tracking: Tracking, run_id: str | None) -> None:
        self.tracking, self.id = tracking, run_id
        self._monitor: Any = None

    def watch_machine(self) -> None:
        """Records how busy processor, memory, disk and GPU are until the run ends, as MLflow's own charts show it."""

        def call() -> None:
            from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

            logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)
            self._monitor = SystemMetricsMonitor(self.id, resume_logging=True)
            self._monitor.start()

        self.tracking._try("system metrics", call)

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags, those that are there anew; empty ones are left out."""

        def call() -> None:
            for key, value in values.items():
                if value:
                    self.tracking.client.set_tag(self.id, key, value)

        self.tracking._try("tags", call)

    def data(self, digest: str) -> None:
        """Names the images that the run was made of, by their hash."""

        def call() -> None:
            from mlflow.entities import Dataset, DatasetInput

            images = Dataset("salt images", digest, "local", "{}")
            self.tracking.client.log_inputs(self.id, [DatasetInput(images, [])])

        self.tracking._try("data", call)

    def params(self, values: Mapping[str, object]) -> None:
        """Logs parameters; those that are there already stay."""

        def call() -> None:
            from mlflow.entities import Param

            known = self.tracking.client.get_run(self.id).data.params
            new = [Param(key, option_text(value)) for key, value in values.items() if key not in known]
            self.tracking.client.log_batch(self.id, params=new)

        self.tracking._try("parameters", call)

    def metrics(self, values: Mapping[str, float], step: int = 0, seconds: float | None = None) -> None:
        """Logs scalars at a step."""

        def call() -> None:
            from mlflow.entities import Metric

            now = int(1000 * (seconds or time.time()))
            self.tracking.client.log_batch(self.id, [Metric(k, float(v), now, step) for k, v in values.items()])

        self.tracking._try("metrics", call)

    def epochs(self, history: Sequence[Mapping[str, float]]) -> None:
        """Logs the epochs that are not there yet: after a resume, or a server's absence, none is doubled or missing."""
        known = self.tracking._try("epochs", lambda: self.tracking.client.get_metric_history(self.id, "score"))
        done = {point.step for point in known or ()}
        for epoch in history:
            if int(epoch["epoch"]) not in done:
                self.metrics({k: v for k, v in epoch.items() if k != "epoch"}, step=int(epoch["epoch"]))

    def file(self, path: str | Path, folder: str | None = None) -> None:
        """Uploads a file."""

        def call() -> None:
            with patient_uploads():
                self.tracking.client.log_artifact(self.id, str(path), folder)

        self.tracking._try("files", call)

    def end(self, status: str = "FINISHED") -> None:
        """Sets the status: FINISHED, FAILED or KILLED; one that has it keeps the time at which it ended."""
        if self._monitor:
            self._monitor.finish()

        def call() -> None:
            if self.tracking.client.get_run(self.id).info.status != status:
                self.tracking.client.set_terminated(self.id, status)

        self.tracking._try("status", call)
