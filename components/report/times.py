"""Duration of each stage, and its peak GPU memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.numbers import plain_number
from salt_pipeline.components.core.stages import STAGES
from salt_pipeline.components.report.inputs import Curve

Seconds = Mapping[str, Sequence[float]]
"""By stage, the duration of each of its tasks, seconds."""


@dataclass(frozen=True)
class StageTime:
    """The tasks of one stage together: their number, durations in seconds, and peak GPU memory in bytes."""

    name: str
    tasks: int
    total: float
    longest: float
    peak_memory: int | None


def task_seconds(**artifacts: Sequence[Any]) -> dict[str, list[float]]:
    """Reads the durations of tasks from the artifacts that they wrote.

    The report does not read the test maps; the ensemble's artifact carries the durations of their tasks.

    Args:
        **artifacts: By stage, one KFP artifact of each of its tasks; those without a duration are skipped.

    Raises:
        SaltError: If a duration is not a number of seconds.
    """
    found = {
        name: [made.metadata.get("stage_seconds", "") for made in all_made] for name, all_made in artifacts.items()
    }
    found["predict"] = [
        seconds for made in artifacts["ensemble"] for seconds in made.metadata.get("predict_seconds", "").split()
    ]
    read = {name: [_duration(seconds) for seconds in found.get(name, []) if seconds] for name in STAGES}
    return {name: seconds for name, seconds in read.items() if seconds}


def _duration(text: object) -> float:
    seconds = plain_number(str(text))
    if seconds < 0:
        raise SaltError("is not a duration", field="stage_seconds", found=seconds, expected="0 or more")
    return seconds


def stage_times(seconds: Seconds, curves: dict[Job, Curve]) -> list[StageTime]:
    """Sums the tasks of each stage; without durations of its own, training takes those of the learning curves."""
    by_stage = {"train_fold": [curve.seconds for curve in curves.values()], **seconds}
    peaks = [curve.peak_memory_bytes for curve in curves.values() if curve.peak_memory_bytes is not None]
    return [
        StageTime(name, len(tasks), sum(tasks), max(tasks), max(peaks) if peaks and name == "train_fold" else None)
        for name, tasks in sorted(by_stage.items(), key=lambda item: STAGES.index(item[0]))
    ]
