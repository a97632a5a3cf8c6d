"""Compares runs image by image: what differs in configuration, in scores, and on which images."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.intervals import interval
from salt_pipeline.components.core.labelled import check_facts, check_ids, one_grey_level, read_labelled, without_salt
from salt_pipeline.components.core.metric import score_images, to_masks
from salt_pipeline.components.core.schemas import MAPS, array_to_pixels, read_table
from salt_pipeline.pipelines.compare.tracked import MlflowRuns

RESAMPLES = 2000
"""Bootstrap resamples of the mean difference."""


@dataclass(frozen=True)
class Truth:
    """The labelled images, sorted by id: images and masks are uint8 (B, H, W)."""

    ids: list[str]
    image_BHW: NDArray[np.uint8]
    mask_BHW: NDArray[np.uint8]
    data_hash: str

    @property
    def mask_by_id(self) -> dict[str, NDArray[np.uint8]]:
        """The mask (H, W) of each image."""
        return dict(zip(self.ids, self.mask_BHW, strict=True))


@dataclass(frozen=True)
class Finished:
    """A finished run, as far as a comparison needs it.

    Attributes:
        name: What to call it.
        config: Its configuration.
        metrics: What its report says.
        oof: The ensemble's out-of-fold maps.
    """

    name: str
    config: Config
    metrics: dict[str, Any]
    oof: Path


@dataclass(frozen=True)
class Masks:
    """What a run makes of the labelled images out of fold: bool masks (B, H, W), and their scores (B,)."""

    salt_BHW: NDArray[np.bool_]
    score_B: NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """A run against the first one, image by image.

    Attributes:
        name: The run.
        mean: Mean of the differences in the competition's metric; above zero it is better than the first.
        low: Lower end of its 95 % bootstrap interval over images.
        high: Upper end.
        won: Images it scores higher on.
        lost: Images it scores lower on.
        tied: All others.
    """

    name: str
    mean: float
    low: float
    high: float
    won: int
    lost: int
    tied: int


def open_finished(text: str, scratch: Path) -> Finished:
    """Finds a run: a folder of `salt run`, or a name that MLflow knows.

    Args:
        text: Folder or name.
        scratch: A folder for what MLflow has.

    Raises:
        SaltError: If there is no such run, or it has not ended well.
    """
    folder = Path(text)
    if (folder / "run.json").is_file():
        if not (folder / "metrics.json").is_file():
            raise SaltError("has no scores yet: `salt run --out` goes on with it", file=folder)
        config = parse_config(read_json(folder / "config.json"), str(folder / "config.json"))
        name = read_json(folder / "run.json")["run"]
        return Finished(name, config, read_json(folder / "metrics.json"), folder / "ensemble/oof.parquet")
    runs = MlflowRuns()
    found = runs.find(text)
    place = Path(tempfile.mkdtemp(dir=scratch))
    files = {name: runs.file(found, name, place) for name in ("config.json", "metrics.json", "oof.parquet")}
    config = parse_config(read_json(files["config.json"]), f"{text}: config.json")
    return Finished(found.name, config, read_json(files["metrics.json"]), files["oof.parquet"])


def read_truth(dataset: Path) -> Truth:
    """Reads images and masks.

    Raises:
        SaltError: If it is no dataset.
    """
    rows, facts = read_labelled(dataset, ["id", "image", "mask"])
    return Truth(
        rows["id"].to_pylist(), array_to_pixels(rows["image"]), array_to_pixels(rows["mask"]), facts["data_hash"]
    )


def masks_of(run: Finished, truth: Truth) -> Masks:
    """Cuts a run's maps as the run itself does.

    Raises:
        SaltError: If its maps are of other images.
    """
    table, facts = read_table(str(run.oof), MAPS)
    check_facts(run.name, facts, {"data_hash": truth.data_hash})
    check_ids(run.name, table["id"].to_pylist(), truth.ids)
    map_BHW = without_salt(array_to_pixels(table["map"]), one_grey_level(truth.image_BHW))
    threshold, min_area = run.metrics["threshold"], run.metrics["min_area"]
    salt_BHW = to_masks(map_BHW, threshold, min_area).view(bool)
    return Masks(salt_BHW, score_images(map_BHW, truth.mask_BHW, threshold, min_area))


def pair(name: str, first_B: NDArray[np.float64], other_B: NDArray[np.float64], seed: int = 0) -> Paired:
    """Compares two runs' scores of the same images.

    Args:
        name: The other run.
        first_B: Scores of the first run.
        other_B: Scores of the other.
        seed: Of the bootstrap.
    """
    difference_B = other_B - first_B
    low, high = interval(difference_B, seed, RESAMPLES)
    size = len(difference_B)
    won, lost = int((difference_B > 0).sum()), int((difference_B < 0).sum())
    return Paired(name, float(difference_B.mean()), low, high, won, lost, size - won - lost)


def differing(runs: Sequence[Finished]) -> dict[str, list[Any]]:
    """The options that are not the same in all runs, each with its value in every run."""
    flat = [run.config.flat() for run in runs]
    options = dict.fromkeys(option for one in flat for option in one)
    values = {option: [one.get(option) for one in flat] for option in options}
    return {option: found for option, found in values.items() if any(value != found[0] for value in found)}


def changed_most(first_B: NDArray[np.float64], other_B: NDArray[np.float64], count: int) -> list[int]:
    """Rows of the images whose score changed most: those that gained, then those that lost, most first."""
    difference_B = other_B - first_B
    order = np.argsort(-difference_B, kind="stable")
    gained = [int(row) for row in order[:count] if difference_B[row] > 0]
    lost = [int(row) for row in order[::-1][:count] if difference_B[row] < 0]
    return gained + lost
