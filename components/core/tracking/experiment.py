"""The experiment that runs belong to in MLflow."""

from contextlib import suppress
from typing import Any

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as the description of an experiment or a run."""

TAGS = {
    NOTE: "One run for each pipeline, described by its table of scores; under it one run for each encoder and fold, "
    "with curves by epoch. Filters: `tags.salt.kind = 'pipeline'`, `metrics.score > 0.8`."
}
"""Of a new experiment: set as it is made, since two jobs that set them later at once would fail each other."""


def open_experiment(client: Any, name: str) -> str:
    """Finds an experiment, or makes and describes it.

    Args:
        client: MLflow's client.
        name: Of the experiment.

    Returns:
        MLflow's id.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        with suppress(MlflowException):  # another job was faster
            client.create_experiment(name, tags=TAGS)
        found = client.get_experiment_by_name(name)
    return str(found.experiment_id)
