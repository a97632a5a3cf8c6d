"""One run in MLflow: its parameters, metrics, files and status."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salt_pipeline.components.core.config.config import option_text
from salt_pipeline.components.core.redaction import redacted
from salt_pipeline.components.core.tracking.server import patient_uploads

if TYPE_CHECKING:
    from salt_pipeline.components.core.tracking.tracking import Tracking


def milliseconds(seconds: float | None = None) -> int:
    """Unix time in milliseconds, as MLflow stores it; by default of now."""
    return int(1000 * (time.time() if seconds is None else seconds))


class TrackedRun:
    """One MLflow run; every call may fail without harm.

    Args:
        tracking: The pipeline run that it belongs to.

    Attributes:
        id: MLflow's id; None until the run is on the server.
    """

    def __init__(self, tracking: "Tracking") -> None:
        self.tracking = tracking
        self.id: str | None = None
        self._history: list[Mapping[str, float]] = []
        self._monitor: Any = None
        self._watched = False

    def watch_machine(self) -> None:
        """Records the load of processor, memory, disk and GPU until the run ends, for MLflow's own charts."""
        self._watched = True
        self.tracking.do("system metrics", self._watch)

    def _watch(self) -> None:
        """Starts MLflow's monitor, also one that has ended because the server was unreachable."""
        if not self._watched or (self._monitor and self._monitor._process.is_alive()):
            return
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)
        self._monitor = SystemMetricsMonitor(self.id, resume_logging=True)
        self._monitor.start()

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags, replacing existing values; empty ones are skipped."""

        def call() -> None:
            for key, value in values.items():
                if value:
                    self.tracking.client.set_tag(self.id, key, redacted(value))

        self.tracking.do("tags", call)

    def data(self, digest: str) -> None:
        """Records the images that the run used, by their hash."""

        def call() -> None:
            from mlflow.entities import Dataset, DatasetInput

            images = Dataset("salt images", digest, "local", "{}")
            self.tracking.client.log_inputs(self.id, [DatasetInput(images, [])])

        self.tracking.do("data", call)

    def params(self, values: Mapping[str, object]) -> None:
        """Logs parameters; existing ones stay."""

        def call() -> None:
            from mlflow.entities import Param

            known = self.tracking.client.get_run(self.id).data.params
            new = [Param(key, redacted(option_text(value))) for key, value in values.items() if key not in known]
            self.tracking.client.log_batch(self.id, params=new)

        self.tracking.do("parameters", call)

    def metrics(self, values: Mapping[str, float], step: int = 0, seconds: float | None = None) -> None:
        """Logs scalars at a step.

        Args:
            values: The scalars by name.
            step: The step.
            seconds: Unix time of the values; by default now. The same values of the same time are recorded once.
        """
        at = milliseconds(seconds)
        self.tracking.do("metrics", lambda: self._log(values, step, at))

    def _log(self, values: Mapping[str, float], step: int, at: int) -> None:
        from mlflow.entities import Metric

        self.tracking.client.log_batch(self.id, [Metric(key, float(value), at, step) for key, value in values.items()])

    def epochs(self, history: Sequence[Mapping[str, float]]) -> None:
        """Logs the epochs that are not logged yet: after a resume or an outage, there are no duplicates and no gaps."""
        self._history = list(history)
        self.tracking.do("epochs", self._log_epochs)

    def _log_epochs(self) -> None:
        done = {point.step for point in self.tracking.client.get_metric_history(self.id, "score")}
        for epoch in self._history:
            if int(epoch["epoch"]) not in done:
                values = {key: value for key, value in epoch.items() if key not in ("epoch", "ended")}
                self._log(values, int(epoch["epoch"]), milliseconds(epoch.get("ended")))
        self._watch()

    def file(self, path: str | Path, folder: str | None = None) -> None:
        """Uploads a file, which must stay until `close`."""

        def call() -> None:
            self.tracking.client.get_run(self.id)  # a server that is unreachable fails here, within its short limit
            with patient_uploads():
                self.tracking.client.log_artifact(self.id, str(path), folder)

        self.tracking.do("files", call)

    def name_missing(self, expected: Sequence[str]) -> None:
        """Names in the tag `salt.missing_files` which files and folders were never uploaded.

        Args:
            expected: Names at the top of the run's artifacts.
        """

        def call() -> None:
            present = {file.path for file in self.tracking.client.list_artifacts(self.id)}
            if missing := [name for name in expected if name not in present]:
                self.tracking.client.set_tag(self.id, "salt.missing_files", ", ".join(missing))

        self.tracking.do("tags", call)

    def end(self, status: str = "FINISHED", seconds: float | None = None) -> None:
        """Sets the status; a run that already has it keeps its end time.

        Args:
            status: FINISHED, FAILED or KILLED.
            seconds: Unix time at which it ended; by default now.
        """
        ended, self._watched = milliseconds(seconds), False
        if self._monitor:
            self._monitor.finish()

        def call() -> None:
            if self.tracking.client.get_run(self.id).info.status != status:
                self.tracking.client.set_terminated(self.id, status, ended)

        self.tracking.do("status", call)
