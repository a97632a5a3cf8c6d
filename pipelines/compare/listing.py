"""The runs that MLflow and a cluster know, in one list."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.close_tracked import close_tracked
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError
from salt_pipeline.pipelines.cluster.kfp_http import KfpRecordError
from salt_pipeline.pipelines.compare.tracked import MlflowRun, MlflowRuns


@dataclass(frozen=True)
class Listed:
    """One run.

    Attributes:
        run: What other commands take: the beginning of a cluster's id, or the name in MLflow.
        name: Its name.
        place: `cluster` or `local`.
        state: As the engine, or MLflow, says.
        score: Of the ensemble out of fold; None if there is none yet.
        began: When it began.
        seconds: How long it took; None while it runs.
    """

    run: str
    name: str
    place: str
    state: str
    score: float | None
    began: datetime
    seconds: float | None


def list_runs(kfp: Kfp, limit: int) -> tuple[list[Listed], list[SaltError]]:
    """Lists runs, newest first.

    Args:
        kfp: The cluster.
        limit: How many.

    Returns:
        The runs, and the errors by which those of the cluster or of MLflow are missing.

    Raises:
        SaltError: If neither the cluster nor MLflow answers.
    """
    tracked: dict[str, MlflowRun] = {}
    problems: list[SaltError] = []
    try:
        tracked = {run.name: run for run in MlflowRuns().newest(max(limit, 200))}
    except SaltError as error:
        problems.append(error)
    found: list[Listed] = []
    try:
        for run in islice(kfp.runs(), limit):
            name = run.tracked_name
            # Both engines list it: the cluster knows its state, MLflow its score.
            known = tracked.pop(name) if name in tracked else None
            metrics = known.metrics if known else {}
            if known and known.state == "RUNNING" and run.ended:
                close_tracked(kfp, run.id)
            seconds = (run.finished - run.created).total_seconds() if run.finished else None
            found.append(Listed(run.id[:8], run.name, "cluster", run.state, metrics.get("score"), run.created, seconds))
    except KfpError as error:
        answered = kfp.settings.chosen or isinstance(error, KfpRecordError)
        problems.append(error if answered else _no_cluster(kfp.settings.kfp_url))
    if len(problems) == 2:
        raise problems[1] if kfp.settings.chosen else problems[0]
    found += [
        Listed(
            run.name,
            run.name,
            "cluster" if run.tags.get("salt.kfp_run") else "local",
            run.state,
            run.metrics.get("score"),
            run.began,
            run.seconds,
        )
        for run in tracked.values()
    ]
    return sorted(found, key=lambda run: run.began, reverse=True)[:limit], problems


def _no_cluster(address: str) -> SaltError:
    problem = "is not set, and nothing answers at the default address: only the runs of this machine are listed"
    return SaltError(problem, field="SALT_KFP_URL", found=address)
