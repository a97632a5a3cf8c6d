"""How long each stage took, and how much memory of a GPU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.stages import STAGES
from salt_pipeline.components.report.inputs import Curve

Seconds = Mapping[str, Sequence[float]]
"""By stage, the seconds of each of its tasks."""


@dataclass(frozen=True)
class StageTime:
    """The tasks of one stage together."""

    name: str
    tasks: int
    total: float
    longest: float
    peak_memory: int | None


def task_seconds(**artifacts: Sequence[Any]) -> dict[str, list[float]]:
    """Reads from artifacts how long the tasks took that wrote them.

    The test maps do not come here: the ensemble's artifact says how long their tasks took.

    Args:
        **artifacts: By stage, one KFP artifact of each of its tasks; those that do not say are left out.
    """
    told = {name: [made.metadata.get("stage_seconds", "") for made in all_made] for name, all_made in artifacts.items()}
    told["predict"] = [
        seconds for made in artifacts["ensemble"] for seconds in made.metadata.get("predict_seconds", "").split()
    ]
    read = {name: [float(seconds) for seconds in told.get(name, []) if seconds] for name in STAGES}
    return {name: seconds for name, seconds in read.items() if seconds}


def stage_times(seconds: Seconds, curves: dict[Job, Curve]) -> list[StageTime]:
    """Sums a stage's tasks up; training is known from the learning curves where its tasks do not say."""
    by_stage = {"train_fold": [curve.seconds for curve in curves.values()], **seconds}
    peaks = [curve.peak_memory_bytes for curve in curves.values() if curve.peak_memory_bytes is not None]
    return [
        StageTime(name, len(tasks), sum(tasks), max(tasks), max(peaks) if peaks and name == "train_fold" else None)
        for name, tasks in sorted(by_stage.items(), key=lambda item: STAGES.index(item[0]))
    ]
