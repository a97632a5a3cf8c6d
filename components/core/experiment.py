"""The experiment that runs belong to in MLflow."""

from contextlib import suppress
from typing import Any

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as the description of an experiment or a run."""

DESCRIPTION = (
    "One run for each pipeline, described by its table of scores; under it one run for each encoder and fold, with "
    "curves by epoch. Filters: `tags.salt.kind = 'pipeline'`, `metrics.score > 0.8`."
)


def open_experiment(client: Any, name: str) -> str:
    """Finds an experiment, or makes it, and describes it.

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
            client.create_experiment(name)
        found = client.get_experiment_by_name(name)
    if NOTE not in found.tags:  # what somebody wrote stays
        client.set_experiment_tag(found.experiment_id, NOTE, DESCRIPTION)
    return str(found.experiment_id)


def option_text(value: object) -> str:
    """An option's value as people read it: encoders by name and weight, not as the document nests them."""
    if isinstance(value, list):
        return ", ".join(map(option_text, value))
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return str(value)
