"""The competition's metric, exactly.

For each image and each t of 0.50, 0.55 .. 0.95 a hit is an intersection over union (IoU) strictly above t, all salt of
a mask being one object; the score is the fraction of hits, and the metric is the mean score (competition evaluation
page). An image without salt scores 1 if nothing is predicted, else 0. Computed in integers, without rounding,
from intersection I and union U: the number of k in 10 .. 19 with 20 I > k U, divided by 10.

Probability maps are uint8, q = round(255 p), so a map has only 255 different predictions. Each belongs to one cut, the
lowest level that is counted as salt.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CUTS = 255
"""Number of cuts; they are 1 to 255."""

_LEVELS = np.arange(256) / 255
_CHUNK = 16
"""Images that are counted at a time: their 1.3 MB of indices fit the cache of a processor."""


def cut(threshold: float) -> int:
    """The lowest level of a uint8 map that is above a threshold.

    Args:
        threshold: A pixel is salt if its probability is strictly above it, 0 to 1.

    Returns:
        The level, 1 to 256; 256 means that no pixel is salt.
    """
    return int(np.searchsorted(_LEVELS, threshold, side="right"))


def to_masks(maps_BHW: NDArray[np.uint8], threshold: float, min_area: int) -> NDArray[np.uint8]:
    """Cuts probability maps into masks.

    Args:
        maps_BHW: Probability maps (B, H, W), q = round(255 p).
        threshold: A pixel is salt if its probability is strictly above it.
        min_area: A mask of fewer pixels is emptied.

    Returns:
        Masks (B, H, W), 1 is salt.
    """
    salt_BHW = maps_BHW >= cut(threshold)
    salt_BHW[np.count_nonzero(salt_BHW, axis=(1, 2)) < min_area] = False
    return salt_BHW.view(np.uint8)


@dataclass(frozen=True)
class Overlap:
    """The pixel counts of a batch of images, at every cut, from which the metric is computed.

    Attributes:
        intersection_BT: Pixels (B, 255) that are salt in truth and prediction, int32; column k is cut k + 1.
        area_BT: Pixels (B, 255) predicted as salt, int32.
        truth_B: Pixels (B,) that are salt in truth, int32.
    """

    intersection_BT: NDArray[np.int32]
    area_BT: NDArray[np.int32]
    truth_B: NDArray[np.int32]

    def of(self, members_B: NDArray[np.bool_]) -> "Overlap":
        """Returns the counts of some of the images."""
        return Overlap(self.intersection_BT[members_B], self.area_BT[members_B], self.truth_B[members_B])


def overlap(maps_BHW: NDArray[np.uint8], masks_BHW: NDArray[np.uint8]) -> Overlap:
    """Compares maps and masks at every cut, by one histogram per image.

    Args:
        maps_BHW: Probability maps (B, H, W), q = round(255 p).
        masks_BHW: True masks (B, H, W), 1 is salt, 0 is not.
    """
    assert maps_BHW.shape == masks_BHW.shape
    size = len(maps_BHW)
    intersection_BT = np.empty((size, CUTS), dtype=np.int32)
    area_BT = np.empty((size, CUTS), dtype=np.int32)
    truth_B = np.empty(size, dtype=np.int32)
    for start in range(0, size, _CHUNK):
        rows = slice(start, start + _CHUNK)
        maps_BN = maps_BHW[rows].reshape(len(maps_BHW[rows]), -1)
        masks_BN = masks_BHW[rows].reshape(maps_BN.shape)
        batch = len(maps_BN)
        pairs_BN = np.left_shift(masks_BN, 8, dtype=np.uint16)
        pairs_BN |= maps_BN
        index_BN = pairs_BN.astype(np.intp)
        index_BN += 512 * np.arange(batch)[:, None]
        counts = np.bincount(index_BN.ravel(), minlength=batch * 512).reshape(batch, 2, 256)
        above = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]  # pixels at a level or higher
        intersection_BT[rows] = above[:, 1, 1:]
        area_BT[rows] = above[:, :, 1:].sum(axis=1)
        truth_B[rows] = above[:, 1, 0]
    return Overlap(intersection_BT, area_BT, truth_B)


def score(
    intersection: NDArray[np.integer], area: NDArray[np.integer], truth: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Scores predictions by their pixel counts; the arguments broadcast.

    Args:
        intersection: Pixels that are salt in truth and prediction.
        area: Pixels predicted as salt.
        truth: Pixels that are salt in truth.

    Returns:
        Scores, float64: 0, 0.1 .. 1.
    """
    union = area + truth - intersection
    # k < 20 I / U holds for all integers k below the quotient rounded up.
    hits = -(-20 * intersection // np.maximum(union, 1)) - 10
    return np.where(union == 0, 10, hits.clip(0, 10)) / 10


def score_images(
    maps_BHW: NDArray[np.uint8], masks_BHW: NDArray[np.uint8], threshold: float = 0.5, min_area: int = 0
) -> NDArray[np.float64]:
    """Scores probability maps at one threshold.

    Args:
        maps_BHW: Probability maps (B, H, W), q = round(255 p).
        masks_BHW: True masks (B, H, W), 1 is salt, 0 is not.
        threshold: A pixel is salt if its probability is strictly above it.
        min_area: A predicted mask of fewer pixels is emptied.

    Returns:
        Scores (B,), float64; the metric is their mean.
    """
    salt_BHW = maps_BHW >= cut(threshold)
    area_B = np.count_nonzero(salt_BHW, axis=(1, 2))
    intersection_B = np.count_nonzero(salt_BHW & masks_BHW.astype(bool), axis=(1, 2))
    kept_B = area_B >= min_area
    return score(intersection_B * kept_B, area_B * kept_B, np.count_nonzero(masks_BHW, axis=(1, 2)))
