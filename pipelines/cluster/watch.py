"""Follows a run on a cluster to its end."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from shlex import quote
from typing import Any

from rich.console import Console
from rich.table import Table

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.stages import TASKS_IN_LOOP
from salt_pipeline.pipelines.cluster.kfp import ClusterRun, Kfp, KfpError
from salt_pipeline.pipelines.cluster.kfp_records import ENDED, Training
from salt_pipeline.pipelines.cluster.pod_logs import read_log
from salt_pipeline.pipelines.cluster.rows import Progress, rows
from salt_pipeline.pipelines.cluster.stopwatch import Stopwatch
from salt_pipeline.pipelines.cluster.tasks import STOPPED, Task, read_tasks, read_trouble
from salt_pipeline.pipelines.cluster.time_limit import within
from salt_pipeline.pipelines.cluster.workflow import checked_workflow
from salt_pipeline.pipelines.display.console import say
from salt_pipeline.pipelines.display.pace import Pace
from salt_pipeline.pipelines.display.run_table import Line, Row, as_table, changes, job_name, live
from salt_pipeline.pipelines.failure import LOG_LINES, mistakes

POLL_SECONDS = 3.0
"""Seconds between two polls of the run."""

PROGRESS_SECONDS = 10.0
"""Seconds between two reads of the jobs' progress from the store."""

PATIENCE_SECONDS = 600.0
"""Longest time, in seconds, that the API may be unreachable: then the watching ends, and the run continues."""


class Watch:
    """Follows one run.

    Args:
        kfp: The API.
        run: The run.
        console: Where it is shown.
    """

    def __init__(self, kfp: Kfp, run: ClusterRun, console: Console) -> None:
        self.kfp, self.console = kfp, console
        self.run_id, self.name = run.id, run.name
        self.state, self.created, self.finished = run.state, run.created, run.finished
        self.config, self.trainings, self.checkpoints = run.configuration, run.trainings, run.checkpoints
        self.jobs = list(self.trainings)
        self.order = run.order
        self.tasks: list[Task] = []
        self.trouble: list[str] = []
        self._stopwatch = Stopwatch()
        self._pace = Pace()
        self._progress: Progress = {}
        self._asked = float("-inf")
        self._fault = ""

    def follow(self) -> int:
        """Shows the run until it ends or Ctrl-C.

        Returns:
            0 when it succeeded, 1 when not, 130 after Ctrl-C, after which the run continues.

        Raises:
            SaltError: If the API stays unreachable.
        """
        try:
            self._look()
            with live(self.console, self._table, self._lines) as show:
                show()
                self._until_ended(show)
        except KeyboardInterrupt:
            self._say(f"\nthe run continues; to watch it again: salt watch {self.run_id[:8]}")
            return 130
        self._say(f"{self.name}: {self.state}")
        if self.state != "SUCCEEDED":
            failed = [task for task in self.tasks if task.state == "failed"]
            for task in failed:
                if task.reason != STOPPED:  # the log of such a task has no more to say
                    self._explain(task)
            if any(task.reason == STOPPED for task in failed):
                self._say(STOPPED)
            self._say(f"to resume it: salt resume {self.run_id[:8]}")
            return 1
        return 0

    def _until_ended(self, show: Any) -> None:
        unreachable_since: float | None = None
        while self.state not in ENDED:
            time.sleep(POLL_SECONDS)
            try:
                self._look()
            except KfpError as error:
                unreachable_since = unreachable_since or time.monotonic()
                if not error.passing or time.monotonic() - unreachable_since > PATIENCE_SECONDS:
                    raise SaltError(f"{error}; the run continues: salt watch {self.run_id[:8]}") from None
                self._once(str(error), f"{error}; trying again")
                continue
            if unreachable_since:
                unreachable_since = None
                self._once("", "the API is reachable again")
            show()

    def _look(self) -> None:
        """Asks the API, and every few seconds the store."""
        run = self.kfp.run(self.run_id)
        # Asked after the state, so that the tasks of a run that has ended are final.
        workflow = run_workflow(self.kfp, self.run_id)
        self.tasks, self.trouble = read_tasks(workflow), read_trouble(workflow)
        self._stopwatch.look(self.tasks, datetime.now(UTC))
        self.state, self.finished = run.state, run.finished
        if time.monotonic() - self._asked > PROGRESS_SECONDS or run.ended:
            self._asked = time.monotonic()
            self._progress |= self._read_progress()

    def _read_progress(self) -> Progress:
        busy = [task.job(self.jobs) for task in self.tasks if task.stage == "train-fold" and task.pods]
        trainings = {job: self.trainings[job] for job in busy if job}
        try:
            return within(20, lambda: read_progress_of(self.checkpoints, trainings), "progress")
        except Exception:  # an empty column is all it costs
            return {}

    def _rows(self) -> list[Row]:
        return rows(self.tasks, self.jobs, self._progress, self._stopwatch.seconds, self.order)

    def _table(self) -> Table:
        shown = self._rows()
        return as_table(shown, f"{self.name}: {self.state}, {self._timing(shown)}", "\n".join(self.trouble))

    def _lines(self) -> list[Line]:
        shown = self._rows()
        timing = self._timing(shown)
        changed = [line._replace(text=f"{line.text} ({timing})") for line in changes(shown)]
        return [*changed, *(Line(trouble, None, trouble) for trouble in self.trouble)]

    def _timing(self, shown: list[Row]) -> str:
        # The clocks of this machine and of the cluster may differ.
        elapsed = max(0.0, ((self.finished or datetime.now(UTC)) - self.created).total_seconds())
        epochs = self.config.train.epochs if self.config else None
        return self._pace.words(shown, epochs, elapsed, ended=self.state in ENDED)

    def _once(self, fault: str, text: str) -> None:
        if self._fault != fault:
            self._fault = fault
            self._say(text)

    def _say(self, text: str) -> None:
        say(self.console, text)

    def _explain(self, task: Task) -> None:
        job = task.job(self.jobs)
        self._say(f"{task.stage}{f' of {job_name(job)}' if job else ''} failed: {task.reason or 'no reason given'}")
        try:
            said = read_log(self.kfp, self.run_id, task)
        except SaltError as error:
            said = f"{error}"
        for line in mistakes(said) or [line for line in said.splitlines() if line.strip()][-LOG_LINES:]:
            say(self.console, f"  {line}", "red")
        if "OOMKilled" in task.reason:
            self._say("  it needs more memory: salt submit ... --set cluster.memory=...")
        where = f"{quote(job_name(job))}{' --predict' * (task.stage == TASKS_IN_LOOP[1])}" if job else task.stage
        self._say(f"  its log: salt logs {self.run_id[:8]} {where}")


def run_workflow(kfp: Kfp, run_id: str) -> dict[str, Any]:
    """The Argo workflow of a run: the API's copy, or that of Kubernetes if the former has no state yet.

    Raises:
        KfpError: If the API is unreachable.
    """
    found = kfp.workflow(run_id)
    if found.get("status"):
        return found
    from salt_pipeline.pipelines.cluster.kube import Kube

    try:
        return checked_workflow(Kube(kfp.settings.namespace).workflow(run_id))
    except SaltError:
        return {}


def run_tasks(kfp: Kfp, run_id: str) -> list[Task]:
    """The tasks of a run.

    Raises:
        KfpError: If the API is unreachable.
    """
    return read_tasks(run_workflow(kfp, run_id))


def read_progress_of(checkpoints: str, trainings: Mapping[Job, Training]) -> Progress:
    """The progress that training jobs wrote to the store, by job; jobs that have written none are missing.

    Checkpoints are stored under the hashes of the configuration and of the data. The latter is known to the run alone:
    if there are several, the newest is taken.
    """
    from salt_pipeline.components.core.job_files import JobKey, newest_data_hash, read_progress

    data_hashes = {one: newest_data_hash(checkpoints, one) for one in {of.config.hash for of in trainings.values()}}
    found = {}
    for job, (config, encoder) in trainings.items():
        if data_hash := data_hashes[config.hash]:
            found[job] = read_progress(checkpoints, JobKey(config.hash, data_hash, encoder, job.fold))
    return {job: state for job, state in found.items() if state}
