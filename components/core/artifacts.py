"""Metadata of output artifacts, for the KFP UI and for later stages."""

import time
from typing import Any

from salt_pipeline.components.core.files import write_json

STARTED = time.monotonic()
"""Monotonic time in seconds at which the work of the stage began: importing the stage itself may take seconds."""


def describe(artifact: Any, display_name: str, **facts: str) -> None:
    """Sets readable metadata on an output artifact.

    A workflow repeats an artifact's metadata in every task that reads the artifact, six times each: keep it short.

    Args:
        artifact: A KFP output artifact.
        display_name: Name in the UI. Lists cut it after about twenty letters, so it begins with what distinguishes it.
        **facts: Further strings (KFP turns numbers into floats): hashes, encoder, fold, MLflow run.
    """
    spent = {"stage_seconds": f"{time.monotonic() - STARTED:.1f}", "cpu_seconds": f"{time.process_time():.1f}"}
    artifact.metadata.update({"display_name": display_name, **spent, **facts})


def log_metrics(metrics: Any, values: dict[str, float]) -> None:
    """Logs scalars on a KFP `Metrics` artifact, and as JSON at its path, which the cache of local runs expects."""
    for name, value in values.items():
        metrics.log_metric(name, value)
    write_json(metrics.path, values)
