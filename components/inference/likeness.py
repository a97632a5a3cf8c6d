"""Tells by number whether the tiles of an image are like the images that the networks were trained on."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.bundle_document import Range
from salt_pipeline.components.core.labelled import one_grey_level
from salt_pipeline.components.core.tile_statistics import STATISTICS, measure
from salt_pipeline.components.inference.scale import NULL_LEVEL
from salt_pipeline.components.inference.tiles import Predict

TOLERATED = 0.25
"""An image is unlike the training images if more than this fraction of its tiles are."""

_MOST_NULL = 0.1
"""Largest fraction of null values in a tile that is measured; an ordinary grey level is not so frequent."""

_NAMED = 3
"""Most statistics that the description names."""


class Likeness:
    """The tiles of one image, compared with the ranges of the training images.

    A tile of one grey level is not measured, nor is one with many null values.

    Args:
        ranges: The range of each statistic over the training images; None if these are unknown.
    """

    def __init__(self, ranges: Mapping[str, Range] | None) -> None:
        self._ranges = {name: ranges[name] for name in STATISTICS if name in ranges} if ranges else {}
        self._columns = [column for column, name in enumerate(STATISTICS) if name in self._ranges]
        self._low = np.array([found.low for found in self._ranges.values()])
        self._high = np.array([found.high for found in self._ranges.values()])
        self._tiles = self._unlike = 0
        self._counts = np.zeros((2, len(self._columns)), np.int64)  # of the tiles below and above each range
        self._sums = np.zeros((2, len(self._columns)))

    def watched(self, predict: Predict) -> Predict:
        """The same prediction, which measures its tiles; their rows are times."""

        def watching(tile_BHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
            self.add(tile_BHW)
            return predict(tile_BHW)

        return watching if self._ranges else predict

    def add(self, tile_BHW: NDArray[np.uint8]) -> None:
        """Measures tiles; their rows are times."""
        if not self._ranges:
            return
        null_B = (tile_BHW == NULL_LEVEL).mean(axis=(1, 2)) > _MOST_NULL
        measured_BS = measure(tile_BHW[~null_B & ~one_grey_level(tile_BHW)])[:, self._columns]
        outside_2BS = np.stack([measured_BS < self._low, measured_BS > self._high])
        self._tiles += len(measured_BS)
        self._unlike += int(outside_2BS.any(axis=(0, 2)).sum())
        self._counts += outside_2BS.sum(axis=1)
        self._sums += (measured_BS * outside_2BS).sum(axis=1)

    @property
    def unlike_fraction(self) -> float | None:
        """Fraction of the measured tiles of which any statistic is outside of its range; None if that is not known."""
        return self._unlike / self._tiles if self._tiles else None

    def describe(self) -> str | None:
        """What makes the image unlike the training images, the most frequent first; None if it is like them."""
        if (self.unlike_fraction or 0) <= TOLERATED:
            return None
        sides, numbers = self._counts.argmax(axis=0), np.arange(len(self._columns))
        counts, sums = self._counts[sides, numbers], self._sums[sides, numbers]
        parts = []
        for number in np.argsort(-counts, kind="stable")[:_NAMED]:
            if counts[number]:
                name, found = list(self._ranges.items())[number]
                mean = sums[number] / counts[number]
                parts.append(f"{STATISTICS[name]} {mean:.3g} (training: {found.low:.3g} to {found.high:.3g})")
        where = "" if self._tiles == 1 else f" in {self._unlike / self._tiles:.0%} of its tiles"
        return f"is unlike the training images{where}: {', '.join(parts)}"
