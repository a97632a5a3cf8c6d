"""Confidence intervals of a mean over images."""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""Number of bootstrap resamples of an interval."""

LEVEL = 0.95
"""Confidence level: the fraction of the resamples inside an interval."""

Interval = tuple[float, float]


def interval(scores_B: NDArray[np.float64], seed: int, resamples: int = RESAMPLES) -> Interval:
    """Computes the bootstrap percentile interval of a mean over images, at confidence level `LEVEL`.

    Args:
        scores_B: The score of each image.
        seed: Seed of the resampling.
        resamples: Number of resamples.
    """
    rng = np.random.default_rng(seed)
    size = len(scores_B)
    means = [scores_B[rng.integers(0, size, size)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
