"""What Kubeflow Pipelines keeps, as frozen records: runs, recurring runs, versions of a pipeline.

Only this module, `kfp.py` and `kfp_pipelines.py` know the objects of the generated client.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Json, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from salt_pipeline.components.core.config.config import Config, option_text, parse_config
from salt_pipeline.components.core.config.with_options import with_options
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job, in_loop
from salt_pipeline.components.core.stages import TASKS, TASKS_OF_SWEEP

ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})
"""States of a run that do not change any more, unless the run is resumed."""

_STOPPED = frozenset({"CANCELING", "CANCELED"})

_STRICT = ConfigDict(strict=True)
"""The generated client does not check the types of what the API answers: the records do."""


class _SweepJob(BaseModel):
    """A job of a sweep, as an item of the loop."""

    encoder: str
    fold: int
    changes: Json[dict[str, Any]]


_SWEEP_JOBS = TypeAdapter(list[_SweepJob])


class Training(NamedTuple):
    """What one job trains.

    Attributes:
        config: Its configuration.
        encoder: Name of its encoder.
    """

    config: Config
    encoder: str


@dataclass(frozen=True, config=_STRICT)
class ClusterRun:
    """A run on a cluster.

    Attributes:
        id: Its id in Kubeflow Pipelines.
        name: Its name.
        state: Its state; `PENDING` until the API reports one.
        past_states: The states that it had so far, oldest first.
        parameters: The pipeline's parameters.
        pipeline_root: Address under which it keeps its artifacts; None for the cluster's default.
        created: When it was created.
        finished: When it ended; None before that.
        schedule_id: Id of the recurring run that started it; empty for a run that was submitted.
    """

    id: str
    name: str
    state: str
    past_states: tuple[str, ...]
    parameters: Mapping[str, Any]
    pipeline_root: str | None
    created: datetime
    finished: datetime | None
    schedule_id: str

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED

    @property
    def was_stopped(self) -> bool:
        """Whether somebody stopped it: such a run may end as `FAILED`."""
        return bool(_STOPPED & {self.state, *self.past_states})

    @property
    def configuration(self) -> Config | None:
        """The configuration it was started with; None for a run of another pipeline."""
        try:
            return parse_config(self.parameters["config"])
        except (KeyError, SaltError):
            return None

    @property
    def jobs(self) -> list[Job]:
        """Its training jobs, in the order of the loop's iterations; those of a sweep are named with their options."""
        return list(self.trainings)

    @property
    def trainings(self) -> dict[Job, Training]:
        """The configuration and the encoder of each of its jobs."""
        if self.is_sweep:
            return _sweep_trainings(self.parameters)
        config = self.configuration
        return {job: Training(config, job.encoder) for job in in_loop(config)} if config else {}

    @property
    def is_sweep(self) -> bool:
        """Whether it tries many settings."""
        return "sweep" in self.parameters

    @property
    def order(self) -> tuple[str, ...]:
        """Its tasks in the order of the pipeline."""
        return TASKS_OF_SWEEP if self.is_sweep else TASKS

    @property
    def checkpoints(self) -> str:
        """URI under which its training jobs keep their checkpoints; empty for a run of another pipeline."""
        return str(self.parameters.get("checkpoints", ""))

    @property
    def tracked_name(self) -> str | None:
        """The name under which it is recorded in MLflow; None for a run of another pipeline.

        All runs of a schedule have the same parameters: each is recorded under the name of its workflow.
        """
        name = self.name if self.schedule_id else self.parameters.get("run")
        return name if isinstance(name, str) else None


@dataclass(frozen=True, config=_STRICT)
class RecurringRun:
    """A recurring run.

    Attributes:
        id: Its id in Kubeflow Pipelines.
        name: Its name.
        state: `ENABLED` or `DISABLED`.
        cron: Its cron expression without the seconds, where those are 0; for a period its length in words.
    """

    id: str
    name: str
    state: str
    cron: str


@dataclass(frozen=True, config=_STRICT)
class PipelineVersion:
    """A version of a pipeline.

    Attributes:
        id: Its id in Kubeflow Pipelines.
        pipeline_id: Id of its pipeline.
        name: Its name.
        spec: The compiled pipeline; empty where the API did not return it.
    """

    id: str
    pipeline_id: str
    name: str
    spec: Mapping[str, Any]


def _sweep_trainings(parameters: Mapping[str, Any]) -> dict[Job, Training]:
    try:
        found = _SWEEP_JOBS.validate_python(parameters.get("jobs"))
        configs = [parse_config(with_options(parameters["config"], one.changes)) for one in found]
    except (KeyError, ValidationError, SaltError):
        return {}
    return {
        Job(" ".join([one.encoder, *(f"{k}={option_text(v)}" for k, v in one.changes.items())]), one.fold): Training(
            config, one.encoder
        )
        for one, config in zip(found, configs, strict=True)
    }


def read_run(run: Any) -> ClusterRun:
    """Reads a run of the generated client.

    The API reports the end of a run that has not ended as the year 1970. Its history may have a step without a state.
    """
    runtime, created, finished = run.runtime_config, _utc(run.created_at), _utc(run.finished_at)
    return ClusterRun(
        id=run.run_id,
        name=run.display_name,
        state=run.state or "PENDING",
        past_states=tuple(step.state for step in run.state_history or () if step.state),
        parameters=(runtime and runtime.parameters) or {},
        pipeline_root=(runtime and runtime.pipeline_root) or None,
        created=created,
        finished=finished if finished and finished > created else None,
        schedule_id=run.recurring_run_id or "",
    )


def _utc(time: Any) -> Any:
    """A time without a zone is meant as UTC; whatever is no time is left to the record's own check."""
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) and time.tzinfo is None else time


def read_recurring_run(found: Any) -> RecurringRun:
    """Reads a recurring run of the generated client."""
    trigger, cron = found.trigger, ""
    if trigger and trigger.cron_schedule:
        cron = str(trigger.cron_schedule.cron).removeprefix("0 ")
    elif trigger and trigger.periodic_schedule:
        cron = f"each {trigger.periodic_schedule.interval_second} s"
    return RecurringRun(found.recurring_run_id, found.display_name, found.status, cron)


def read_version(version: Any, pipeline_id: str) -> PipelineVersion:
    """Reads a pipeline's version of the generated client."""
    name = version.display_name or version.name
    return PipelineVersion(version.pipeline_version_id, pipeline_id, name, version.pipeline_spec or {})
