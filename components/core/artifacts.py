"""What an artifact says of itself in the KFP UI and to the stages after it."""

import time
from typing import Any

from salt_pipeline.components.core.files import write_json

STARTED = time.monotonic()
"""When the stage's own work began: its task imports this module before the stage, which may take seconds."""


def describe(artifact: Any, display_name: str, **facts: str) -> None:
    """Puts readable metadata on an output artifact.

    A workflow repeats an artifact's metadata in every task that reads the artifact, six times each: keep it short.

    Args:
        artifact: A KFP output artifact.
        display_name: What the UI shows. Lists cut it after some twenty letters, so it begins with what tells it apart.
        **facts: Further strings (KFP turns numbers into floats): hashes, encoder, fold, MLflow run.
    """
    artifact.metadata.update(
        {"display_name": display_name, "stage_seconds": f"{time.monotonic() - STARTED:.1f}", **facts}
    )


def log_metrics(metrics: Any, values: dict[str, float]) -> None:
    """Logs scalars on a KFP `Metrics` artifact, and as JSON at its path, which a cache of local runs looks for."""
    for name, value in values.items():
        metrics.log_metric(name, value)
    write_json(metrics.path, values)
