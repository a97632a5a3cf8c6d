"""Recurring runs: Kubeflow Pipelines starts a run of the pipeline whenever a cron expression is due."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.cron import Cron
from salt_pipeline.pipelines.cluster.kfp import SEARCHED, Kfp
from salt_pipeline.pipelines.cluster.submit import Checked, runtime_config
from salt_pipeline.pipelines.cluster.upload import experiment_id, upload
from salt_pipeline.pipelines.variant import Variant


@dataclass(frozen=True)
class Schedule:
    """A recurring run.

    Attributes:
        id: Its id in Kubeflow Pipelines.
        name: Its name.
        cron: Five fields, or what another program has set.
        state: `ENABLED` or `DISABLED`.
        next: When it is next due, by UTC; None if it is disabled or is no cron expression of five fields.
        last: When its newest run began; None if there is none.
        last_state: The state of that run.
    """

    id: str
    name: str
    cron: str
    state: str
    next: datetime | None
    last: datetime | None
    last_state: str


def schedule(
    kfp: Kfp, checked: Checked, data: str, cron: Cron, *, name: str, preset: str, experiment: str = names.EXPERIMENT,
    variant: Variant,
) -> Any:  # fmt: skip
    """Uploads the pipeline, unless this very one is there, and starts a recurring run.

    Each run takes its workflow's name as its name in MLflow. Runs that were missed are not made up for, and a run waits
    while the one before it still goes on.

    Args:
        kfp: The API.
        checked: What `check` found.
        data: URI of the archive, which is read anew each time.
        cron: When.
        name: Name of the recurring run.
        preset: Name of the preset the configuration began as.
        experiment: Made where there is none of that name.
        variant: How the pipeline is compiled.

    Returns:
        The recurring run.

    Raises:
        KfpError: If the API does not do it.
    """
    import kfp_server_api as api

    assert variant.recurring, "its runs must not share a name in MLflow"
    assert not variant.cached, "the archive may change under its name"
    pipeline_id, version_id, _ = upload(kfp, checked.config, variant)
    checked.data_version = ""  # what the archive holds today says nothing of another day
    # The namespace is that of the experiment: a single-user installation refuses a recurring run that names one.
    return kfp.start_schedule(
        api.V2beta1RecurringRun(
            display_name=name,
            experiment_id=experiment_id(kfp, experiment),
            pipeline_version_reference=api.V2beta1PipelineVersionReference(pipeline_id, version_id),
            runtime_config=runtime_config(kfp.settings, checked, data, run=name, preset=preset),
            service_account=kfp.settings.service_account,
            trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=cron.kfp)),
            max_concurrency="1",
            no_catchup=True,
            mode="ENABLE",
        )
    )


def list_schedules(kfp: Kfp, now: datetime | None = None) -> list[Schedule]:
    """All recurring runs of the namespace, newest first."""
    found = list(kfp.schedules())
    newest: dict[str, Any] = {}
    for run in islice(kfp.runs(), SEARCHED) if found else ():
        if run.recurring_run_id:
            newest.setdefault(run.recurring_run_id, run)
    return [_listed(one, newest.get(one.recurring_run_id), now or datetime.now(UTC)) for one in found]


def _listed(one: Any, run: Any, now: datetime) -> Schedule:
    cron = _cron(one)
    try:
        due = Cron.parse(cron).next(now) if one.status == "ENABLED" else None
    except SaltError:
        due = None
    return Schedule(
        one.recurring_run_id, one.display_name, cron, one.status, due,
        run.created_at if run else None, (run.state or "PENDING") if run else "",
    )  # fmt: skip


def _cron(one: Any) -> str:
    """Its cron expression without the seconds, where those are 0; of a period its length."""
    trigger = one.trigger
    if trigger and trigger.cron_schedule:
        return str(trigger.cron_schedule.cron).removeprefix("0 ")
    return f"each {trigger.periodic_schedule.interval_second} s" if trigger and trigger.periodic_schedule else ""


def find_schedule(kfp: Kfp, text: str) -> Any:
    """The recurring run of this id, of the only id that begins so, or of this name.

    Raises:
        SaltError: If there is none, or more than one.
    """
    listed = list(kfp.schedules())
    found = [one for one in listed if text in (one.recurring_run_id, one.display_name)] or [
        one for one in listed if one.recurring_run_id.startswith(text)
    ]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(one.recurring_run_id[:8] for one in found[:5])
    problem = "names several schedules: give the beginning of an id" if found else "no such schedule"
    raise SaltError(problem, field="SCHEDULE", found=text, expected=ids or None)
