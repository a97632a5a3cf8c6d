"""Recurring runs: Kubeflow Pipelines starts a run of the pipeline whenever a cron expression is due."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.cron import Cron
from salt_pipeline.pipelines.cluster.kfp import SEARCHED, ClusterRun, Kfp, RecurringRun
from salt_pipeline.pipelines.cluster.submit import Checked, run_parameters
from salt_pipeline.pipelines.cluster.upload import upload
from salt_pipeline.pipelines.variant import Variant


@dataclass(frozen=True)
class Schedule:
    """A recurring run.

    Attributes:
        id: Its id in Kubeflow Pipelines.
        name: Its name.
        cron: Five fields, or whatever another program has set.
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
    kfp: Kfp,
    checked: Checked,
    data: str,
    cron: Cron,
    *,
    name: str,
    preset: str,
    experiment: str = names.EXPERIMENT,
    variant: Variant,
) -> str:
    """Uploads the pipeline, unless the cluster has this very version, and starts a recurring run.

    Each run takes its workflow's name as its name in MLflow. Missed runs are not caught up, and a run waits while the
    previous one is active.

    Args:
        kfp: The API.
        checked: What `check` found.
        data: URI of the archive, which is read anew each time.
        cron: When a run is due.
        name: Name of the recurring run.
        preset: Name of the preset that the configuration is based on.
        experiment: Name of the experiment, which is created if it does not exist.
        variant: How the pipeline is compiled.

    Returns:
        Id of the recurring run.

    Raises:
        KfpError: If the API rejects a call or does not answer.
    """
    assert variant.recurring, "each of its runs needs a name of its own in MLflow"
    assert not variant.cached, "the archive may change under its name"
    version = upload(kfp, checked.config, variant)
    checked.data_version = ""  # today's content of the archive says nothing about another day's
    parameters = run_parameters(kfp.settings, checked, data, run=name, preset=preset)
    return kfp.start_schedule(name, experiment, version, parameters, cron.kfp)


def list_schedules(kfp: Kfp) -> list[Schedule]:
    """All recurring runs of the namespace, newest first."""
    found = list(kfp.schedules())
    newest: dict[str, ClusterRun] = {}
    for run in islice(kfp.runs(), SEARCHED) if found else ():
        if run.schedule_id:
            newest.setdefault(run.schedule_id, run)
    now = datetime.now(UTC)
    return [_listed(one, newest.get(one.id), now) for one in found]


def _listed(one: RecurringRun, run: ClusterRun | None, now: datetime) -> Schedule:
    try:
        due = Cron.parse(one.cron).next(now) if one.state == "ENABLED" else None
    except SaltError:
        due = None
    return Schedule(one.id, one.name, one.cron, one.state, due, run.created if run else None, run.state if run else "")


def find_schedule(kfp: Kfp, text: str) -> RecurringRun:
    """The recurring run of this id, of the only id that begins so, or of this name.

    Raises:
        SaltError: If there is none, or more than one.
    """
    listed = list(kfp.schedules())
    found = [one for one in listed if text in (one.id, one.name)] or [one for one in listed if one.id.startswith(text)]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(one.id[:8] for one in found[:5])
    problem = "names several schedules: give the beginning of an id" if found else "no such schedule"
    raise SaltError(problem, field="SCHEDULE", found=text, expected=ids or None)
