"""Compares runs image by image: what differs in configuration, in scores, and on which images."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.documents import parse_document, read_document
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.paired import Finished
from salt_pipeline.components.core.scores import Scores
from salt_pipeline.pipelines.compare.tracked import MlflowRuns


class _Named(BaseModel):
    """The part of run.json that a comparison needs."""

    run: str


def open_finished(text: str, scratch: Path) -> Finished:
    """Finds a run by its folder or by its name in MLflow.

    Args:
        text: Folder or name.
        scratch: A folder for files from MLflow.

    Raises:
        SaltError: If there is no such run, or it did not succeed.
    """
    folder = Path(text)
    if (folder / "run.json").is_file():
        if not (folder / "metrics.json").is_file():
            raise SaltError("has no scores yet: `salt run --out` resumes it", file=folder)
        config = parse_config(read_json(folder / "config.json"), str(folder / "config.json"))
        name = read_document(_Named, folder / "run.json").run
        scores = read_document(Scores, folder / "metrics.json")
        return Finished(name, config, scores, folder / "ensemble/oof.parquet")
    if folder.is_dir() or "/" in text:
        raise SaltError("holds no run", file=folder, expected="a folder with run.json, or the name of a run in MLflow")
    runs = MlflowRuns()
    found = runs.find(text)
    place = Path(tempfile.mkdtemp(dir=scratch))
    files = {name: runs.file(found, name, place) for name in ("config.json", "metrics.json", "oof.parquet")}
    config = parse_config(read_json(files["config.json"]), f"{text}: config.json")
    scores = parse_document(Scores, read_json(files["metrics.json"]), f"{text}: metrics.json")
    return Finished(found.name, config, scores, files["oof.parquet"])


def differing(runs: Sequence[Finished]) -> dict[str, list[Any]]:
    """Returns the options that differ between runs, each with its value in every run."""
    flat = [run.config.flat() for run in runs]
    options = dict.fromkeys(option for one in flat for option in one)
    values = {option: [one.get(option) for one in flat] for option in options}
    return {option: found for option, found in values.items() if any(value != found[0] for value in found)}


def changed_most(first_B: NDArray[np.float64], other_B: NDArray[np.float64], count: int) -> list[int]:
    """Returns the rows of the images whose score changed most: first those that gained, then those that lost."""
    difference_B = other_B - first_B
    order = np.argsort(-difference_B, kind="stable")
    gained = [int(row) for row in order[:count] if difference_B[row] > 0]
    lost = [int(row) for row in order[::-1][:count] if difference_B[row] < 0]
    return gained + lost
