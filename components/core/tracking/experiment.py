"""The experiment that runs belong to in MLflow: its name, finding it, creating it."""

import os
from typing import Any

EXPERIMENT = "salt"
"""Name of the experiment, unless MLFLOW_EXPERIMENT_NAME is set."""

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as the description of an experiment or a run."""

TAGS = {
    NOTE: "One run for each pipeline, described by its table of scores; under it one run for each encoder and fold, "
    "with curves by epoch. Filters: `tags.salt.kind = 'pipeline'`, `metrics.score > 0.8`."
}
"""Tags of a new experiment, set as it is created: two jobs that set them later at once would fail each other."""


def experiment_name() -> str:
    """Name of the experiment: MLFLOW_EXPERIMENT_NAME, or `salt`."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)


def find_experiment(client: Any) -> str | None:
    """MLflow's id of the experiment; None if it does not exist.

    Args:
        client: MLflow's client.
    """
    found = client.get_experiment_by_name(experiment_name())
    return None if found is None else str(found.experiment_id)


def open_experiment(client: Any, artifact_location: str | None = None) -> str:
    """Finds the experiment, or creates and describes it.

    Args:
        client: MLflow's client.
        artifact_location: URI under which a new experiment keeps its artifacts; by default MLflow chooses it.

    Returns:
        MLflow's id.
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
