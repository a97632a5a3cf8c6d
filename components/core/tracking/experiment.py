"""The experiment that runs belong to in MLflow, and finding runs in it."""

import os
import re
from typing import Any

from salt_pipeline.components.core.tracking.failures import TrackingError

EXPERIMENT = "salt"
"""Name of the experiment, unless MLFLOW_EXPERIMENT_NAME or MLFLOW_EXPERIMENT_ID is set."""

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as the description of an experiment or a run."""

TAGS = {
    NOTE: "One run for each pipeline, described by its table of scores; under it one run for each encoder and fold, "
    "with curves by epoch. Filters: `tags.salt.kind = 'pipeline'`, `metrics.score > 0.8`."
}
"""Tags of a new experiment, set as it is created: two jobs that set them later at once would fail each other."""


def experiment_name() -> str:
    """Name of the experiment: MLFLOW_EXPERIMENT_NAME, or `salt`."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT


def find_experiment(client: Any) -> str | None:
    """MLflow's id of the experiment that MLFLOW_EXPERIMENT_ID or the name gives; None if none has the name.

    Args:
        client: MLflow's client.

    Raises:
        TrackingError: If it is deleted, the given id does not exist, or belongs to another than the given name.
    """
    given = os.environ.get("MLFLOW_EXPERIMENT_ID")
    found = _by_id(client, given) if given else client.get_experiment_by_name(experiment_name())
    if found is None:
        return None
    if not found.experiment_id:  # any JSON object is read as an experiment
        raise TrackingError("no MLflow server answers there: check MLFLOW_TRACKING_URI", file=client.tracking_uri)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME")
    if given and name and found.name != name:
        expected = f"that of MLFLOW_EXPERIMENT_NAME, {name!r}; set one of the two"
        problem = "is the id of another experiment"
        raise TrackingError(problem, field="MLFLOW_EXPERIMENT_ID", found=f"{given}, {found.name!r}", expected=expected)
    if found.lifecycle_stage == "deleted":
        fix = f"restore it with `mlflow experiments restore --experiment-id {found.experiment_id}`, or set another"
        problem = f"the experiment is deleted: {fix} MLFLOW_EXPERIMENT_NAME"
        raise TrackingError(problem, file=client.tracking_uri, found=repr(found.name))
    return str(found.experiment_id)


def _by_id(client: Any, given: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_experiment(given)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
            raise
        problem = "no such experiment: `mlflow experiments search` lists them"
        raise TrackingError(problem, file=client.tracking_uri, field="MLFLOW_EXPERIMENT_ID", found=given) from None


def open_experiment(client: Any, artifact_location: str | None = None) -> str:
    """Finds the experiment, or creates and describes it.

    Args:
        client: MLflow's client.
        artifact_location: URI under which a new experiment keeps its artifacts; by default MLflow chooses it.

    Returns:
        MLflow's id.

    Raises:
        TrackingError: As `find_experiment`.
    """
    from mlflow.exceptions import MlflowException

    found = find_experiment(client)
    if found is not None:
        return found
    try:
        return str(client.create_experiment(experiment_name(), artifact_location=artifact_location, tags=TAGS))
    except MlflowException:
        found = find_experiment(client)
        if found is None:  # otherwise another job created it in the meantime
            raise
        return found


def run_condition(run: str) -> str:
    """A filter that finds the runs of this name, and maybe others of similar names: filters cannot quote every name."""
    pattern = re.sub(r"""['"`\\\[\]\s]""", "_", run)
    return f"tags.`salt.run` LIKE '{pattern}'"


def find_runs(client: Any, experiment: str, run: str, *conditions: str) -> list[Any]:
    """The runs of a pipeline run and its jobs in MLflow.

    Args:
        client: MLflow's client.
        experiment: MLflow's id of the experiment.
        run: Name of the pipeline run, their tag `salt.run`.
        *conditions: Further conditions, as MLflow's filters.
    """
    found = client.search_runs([experiment], " and ".join([run_condition(run), *conditions]))
    return [one for one in found if one.data.tags.get("salt.run") == run]
