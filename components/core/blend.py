"""The weighted mean of uint8 maps, rounded once: what the ensemble computes wherever it runs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_HALF_UP = 0.5 + 1e-9
"""Added before truncation, in grey levels: it rounds halves up, also those that the sum of floats just misses."""

_BLOCK = 64
"""Images that are summed at once, so that they fit the cache of a processor."""

Map = npt.NDArray[np.uint8]


def weighted_mean(weights: Sequence[float], encoders: list[list[Map]]) -> Map:
    """Computes the sum over encoders of weight x sum over folds.

    Args:
        weights: The weight of each map of an encoder: the encoder's weight divided by its number of folds.
        encoders: By encoder, the maps (B, H, W) of its folds, at most 257 of them.

    Returns:
        Maps (B, H, W), uint8, rounded once.
    """
    mean_BHW = np.empty_like(encoders[0][0])
    for start in range(0, len(mean_BHW), _BLOCK):
        block = slice(start, start + _BLOCK)
        total_BHW = np.full(mean_BHW[block].shape, _HALF_UP)
        for weight, of_one in zip(weights, encoders, strict=True):
            sum_BHW = of_one[0][block].astype(np.uint16)  # exact: 257 x 255 fit
            for map_BHW in of_one[1:]:
                sum_BHW += map_BHW[block]
            total_BHW += weight * sum_BHW
        mean_BHW[block] = total_BHW.astype(np.uint8)
    return mean_BHW
