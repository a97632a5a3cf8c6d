"""How sure a mean over images is."""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""Bootstrap resamples of an interval."""

LEVEL = 0.95
"""Share of the resamples inside an interval."""

Interval = tuple[float, float]


def interval(scores_B: NDArray[np.float64], seed: int, resamples: int = RESAMPLES) -> Interval:
    """Bootstrap percentile interval of a mean over images.

    Args:
        scores_B: One score an image.
        seed: Of the resampling.
        resamples: How many.
    """
    rng = np.random.default_rng(seed)
    size = len(scores_B)
    means = [scores_B[rng.integers(0, size, size)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
