"""Records the pipeline run in MLflow: configuration, scores, times and files."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.core.tracking.origin import origin_tags
from salt_pipeline.components.core.tracking.tracking import Tracking

PATIENCE = 60.0
"""Time to wait for an unreachable server, seconds. No later stage of the run could send the records instead."""

JOB_FILES = ("curve.png", "model")
"""The files that only the job itself can upload."""


def record(
    run: str,
    config: dict,
    curves: Sequence[str],
    scalars: Mapping[str, float],
    files: Mapping[str, str],
    origin: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Records the run, and whatever its jobs have not recorded themselves.

    If the training of a job came from a cache, or the server was unreachable, its nested run is missing or incomplete.
    It is completed from the learning curve, except for its files. Existing records are not changed.

    Args:
        run: Name of the pipeline run; empty records nothing.
        config: The configuration document.
        curves: The learning curve of each job, JSON.
        scalars: The scores.
        files: What to upload to the parent run, by name.
        origin: Origin of the run: git revision, images, run and link in Kubeflow Pipelines, as far as known.

    Returns:
        MLflow's id of the parent run, as a string to describe artifacts by.
    """
    tracking = Tracking(run)
    histories = [read_json(curve) for curve in curves]
    parent = tracking.parent(min(map(_began, histories)))
    tracking.unite()
    settings = parse_config(config)
    facts = {key: histories[0][key] for key in ("data_hash", "config_hash")}
    parent.params({**facts, **settings.flat()})
    parent.metrics(scalars)
    origin = origin or {}
    parent.tags(origin_tags(origin, "salt submit" if origin.get("runner") == "cluster" else "salt run"))
    parent.data(histories[0]["data_hash"])
    if "report.md" in files:
        parent.tags({NOTE: _description(scalars, Path(files["report.md"]).read_text(encoding="utf-8"))})
    gpu_seconds = sum(history["seconds"] for history in histories if history["device"] != "cpu")
    seconds = sum(history["seconds"] for history in histories)
    parent.metrics({"training_seconds": seconds, "gpu_hours": gpu_seconds / 3600})
    for history in histories:
        _record_job(tracking, history, settings)
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in files.items():
            parent.file(shutil.copyfile(path, Path(scratch, name)))
        write_json(Path(scratch, "config.json"), config)
        parent.file(Path(scratch, "config.json"))
        parent.end()
        tracking.close(PATIENCE)
    return {"mlflow_run_id": parent.id or ""}


def _record_job(tracking: Tracking, curve: dict[str, Any], settings: Config) -> None:
    """Records what the job itself would have recorded."""
    job = tracking.job(curve["encoder"], curve["fold"], _began(curve))
    job.params({key: curve[key] for key in ("config_hash", "data_hash", "encoder", "fold")} | settings.flat())
    job.epochs(curve["epochs"])
    job.metrics({name: curve[name] for name in ("oof_score", "oof_salt_accuracy")}, seconds=curve["ended"])
    job.data(curve["data_hash"])
    job.name_missing(JOB_FILES)
    job.end(seconds=curve["ended"])


def _began(curve: dict[str, Any]) -> float:
    """Unix time at which a training began, by its first epoch."""
    first = curve["epochs"][0]
    return float(first["ended"] - first["seconds"])


def _description(scalars: Mapping[str, float], card: str) -> str:
    """The score, then the card: MLflow's page folds all but the first lines."""
    low, high = (scalars.get(name, scalars["score"]) for name in ("score_low", "score_high"))
    return f"**{scalars['score']:.4f}** out of fold, 95 % interval {low:.4f} to {high:.4f}\n\n{card}"
