"""Statistics of the grey levels and frequencies of tiles, which tell whether an image is like those of the training."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

STATISTICS = {
    "percentile_1": "1st percentile of the grey levels",
    "median": "median grey level",
    "percentile_99": "99th percentile of the grey levels",
    "standard_deviation": "standard deviation of the grey levels",
    "vertical_frequency": "mean vertical frequency (cycles per pixel)",
    "horizontal_frequency": "mean horizontal frequency (cycles per pixel)",
}
"""What is measured of each tile, with its words; a mean frequency is weighted by the power of the spectrum."""

LEAST = 200
"""Fewest tiles whose ranges are kept: further tiles of the same survey too often lie outside those of fewer tiles."""

OUTSIDE = 0.001
"""Fraction of the tiles that lie below the range of a statistic, and fraction that lie above it."""

_AT_ONCE = 64
"""Tiles whose spectra are in memory at a time."""


def measure(image_BHW: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Measures tiles.

    Args:
        image_BHW: Grey levels; the rows are times.

    Returns:
        The statistics of each tile (B, S), in the order of `STATISTICS`.
    """
    parts = [image_BHW[start : start + _AT_ONCE] for start in range(0, len(image_BHW), _AT_ONCE)]
    return np.concatenate([np.empty((0, len(STATISTICS))), *map(_measure, parts)])


def ranges(measured_BS: NDArray[np.float64]) -> dict[str, dict[str, float]] | None:
    """Returns the range of each statistic over tiles, `low` to `high`, and its `median`; None of too few tiles."""
    if len(measured_BS) < LEAST:
        return None
    quantiles = np.quantile(measured_BS, [OUTSIDE, 0.5, 1 - OUTSIDE], axis=0).round(5).T.tolist()
    return {
        name: {"low": low, "median": median, "high": high}
        for name, (low, median, high) in zip(STATISTICS, quantiles, strict=True)
    }


def levels(count_L: NDArray[np.int64], tiles: int) -> tuple[int, int] | None:
    """Returns the 1st and the 99th percentile of all grey levels of tiles together.

    Args:
        count_L: How many pixels have each of the 256 grey levels.
        tiles: Number of tiles.

    Returns:
        The two grey levels; None of too few tiles, or if both are the same.
    """
    if tiles < LEAST:
        return None
    low, _, high = _percentiles(count_L[None])[:, 0].tolist()
    return (low, high) if low < high else None


def _percentiles(count_BL: NDArray[np.int64]) -> NDArray[np.int64]:
    """The 1st percentile, the median and the 99th percentile (3, B) of grey levels that are counted."""
    below_BL = count_BL.cumsum(axis=1)
    return np.stack([(100 * below_BL >= percent * below_BL[:, -1:]).argmax(axis=1) for percent in (1, 50, 99)])


def _measure(image_BHW: NDArray[np.uint8]) -> NDArray[np.float64]:
    count_BL = np.stack([np.bincount(image_HW.ravel(), minlength=256) for image_HW in image_BHW])
    pixels, levels = image_BHW[0].size, np.arange(256)
    variance = (count_BL @ levels**2) / pixels - ((count_BL @ levels) / pixels) ** 2
    frequencies = [_mean_frequency(image_BHW, axis) for axis in (1, 2)]
    return np.stack([*_percentiles(count_BL), np.sqrt(variance), *frequencies], axis=1).astype(np.float64)


def _mean_frequency(image_BHW: NDArray[np.uint8], axis: int) -> NDArray[np.float64]:
    """The mean (B,) of the frequencies along an axis, weighted by power; 0 where nothing changes along it."""
    length = image_BHW.shape[axis]
    frequency_F, waves_FL = _waves(length)
    varying_BHW = image_BHW - image_BHW.mean(axis=axis, keepdims=True, dtype=np.float32)
    amplitude_BFX = waves_FL @ (varying_BHW if axis == 1 else varying_BHW.swapaxes(1, 2))
    power_BF = np.square(amplitude_BFX).sum(axis=2, dtype=np.float64)
    total_B = power_BF.sum(axis=1)
    return np.asarray(power_BF @ frequency_F / np.where(total_B, total_B, 1))


@cache
def _waves(length: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The cosine and the sine (F, length) of each frequency above 0, and the frequencies (F,).

    For a prime number of pixels, such as 101, the product with them is faster than the fast Fourier transform.
    """
    frequency_F = np.fft.rfftfreq(length)[1:]
    phase_FL = 2 * np.pi * np.outer(frequency_F, np.arange(length))
    waves_FL = np.concatenate([np.cos(phase_FL), np.sin(phase_FL)]).astype(np.float32)
    return np.tile(frequency_F, 2), waves_FL
