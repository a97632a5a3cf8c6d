"""A training job of the tiny network: its arguments, and a process that a test may kill."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.components.network.tiny import ENCODER

CHILD = """
import json, sys
from salt_pipeline.components.train_fold.stage import train
from tests.components.network import tiny
train(**json.loads(sys.argv[1]))
"""


def arguments(survey: tuple[str, str], out: Path, config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The stage's arguments for a job that keeps everything in one folder."""
    return {
        "dataset": survey[0],
        "folds": survey[1],
        "encoder": ENCODER,
        "fold": 1,
        "config": config,
        "run": "",
        "checkpoints": str(out / "checkpoints"),
        "model": str(out / "model"),
        "oof": str(out / "oof.parquet"),
        "curve": str(out / "curve.json"),
    } | changes


def start(job: dict[str, Any], environment: Mapping[str, str]) -> subprocess.Popen:
    """Starts the stage in its own process, on one thread."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(job)],
        cwd=Path(__file__).parents[3],
        env={**environment, "OMP_NUM_THREADS": "1"},
    )
