"""Two runs' out-of-fold maps of the same images, scored and compared image by image."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.intervals import interval
from salt_pipeline.components.core.labelled import check_facts, check_ids, one_grey_level, read_labelled, without_salt
from salt_pipeline.components.core.metric import score_images, to_masks
from salt_pipeline.components.core.schemas import MAPS, array_to_pixels, read_table
from salt_pipeline.components.core.scores import Scores

RESAMPLES = 2000
"""Number of bootstrap resamples of the mean difference."""


@dataclass(frozen=True)
class Truth:
    """The labelled images, sorted by id: images and masks are uint8 (B, H, W)."""

    ids: list[str]
    image_BHW: NDArray[np.uint8]
    mask_BHW: NDArray[np.uint8]
    data_hash: str

    @cached_property
    def flat_B(self) -> NDArray[np.bool_]:
        """Which images have one grey level, so that they hold no salt."""
        return one_grey_level(self.image_BHW)

    @property
    def mask_by_id(self) -> dict[str, NDArray[np.uint8]]:
        """The mask (H, W) of each image."""
        return dict(zip(self.ids, self.mask_BHW, strict=True))


@dataclass(frozen=True)
class Finished:
    """The parts of a finished run that a comparison needs.

    Attributes:
        name: Its name.
        config: Its configuration.
        metrics: The scores of its report.
        oof: The ensemble's out-of-fold maps.
    """

    name: str
    config: Config
    metrics: Scores
    oof: Path


@dataclass(frozen=True)
class Masks:
    """The out-of-fold masks of a run, bool (B, H, W), and their scores (B,)."""

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


def read_truth(dataset: Path) -> Truth:
    """Reads images and masks.

    Raises:
        SaltError: If the file is not a dataset.
    """
    rows, facts = read_labelled(dataset, ["id", "image", "mask"])
    return Truth(
        rows["id"].to_pylist(), array_to_pixels(rows["image"]), array_to_pixels(rows["mask"]), facts["data_hash"]
    )


def masks_of(run: Finished, truth: Truth) -> Masks:
    """Turns the maps of a run into masks as the run itself does.

    Raises:
        SaltError: If its maps are of other images.
    """
    table, facts = read_table(str(run.oof), MAPS)
    check_facts(run.name, facts, {"data_hash": truth.data_hash})
    check_ids(run.name, table["id"].to_pylist(), truth.ids)
    map_BHW = without_salt(array_to_pixels(table["map"]), truth.flat_B)
    threshold, min_area = run.metrics.threshold, run.metrics.min_area
    salt_BHW = to_masks(map_BHW, threshold, min_area).view(bool)
    return Masks(salt_BHW, score_images(map_BHW, truth.mask_BHW, threshold, min_area))


def pair(name: str, first_B: NDArray[np.float64], other_B: NDArray[np.float64]) -> Paired:
    """Compares two runs' scores of the same images.

    Args:
        name: The other run.
        first_B: Scores of the first run.
        other_B: Scores of the other.
    """
    difference_B = other_B - first_B
    low, high = interval(difference_B, 0, RESAMPLES)
    size = len(difference_B)
    won, lost = int((difference_B > 0).sum()), int((difference_B < 0).sum())
    return Paired(name, float(difference_B.mean()), low, high, won, lost, size - won - lost)
