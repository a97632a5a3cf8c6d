"""From amplitudes to grey levels: the two amplitudes that become black and white, null values excluded."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import one_line

log = logging.getLogger(__name__)

PERCENTILES = (1.0, 99.0)
"""Percentiles of the amplitudes that get the grey levels of the training images, if the user names no others."""

SAMPLE = 1000
"""Most rows, and most columns, of an image that its percentiles are computed from."""

NULL_LEVEL = 128
"""Grey level of null values in the images that the networks see, the middle of the scale."""

_MOST_CONSTANTS = 3
"""Most different constants that can be null values of one image."""

_CONVENTIONAL = (-999.25, 1e30, -1e30, 1e31, -1e31, float(np.finfo(np.float32).max), float(np.finfo(np.float32).min))
"""Floating-point values that programs write where nothing was measured; no survey measures them."""


Traces = Mapping[float, tuple[int, ...]]
"""Numbers of the traces (columns) that one value fills, by that value."""


@dataclass(frozen=True)
class Scaling:
    """How the amplitudes that become black and white are found.

    Attributes:
        percentiles: Percentiles that the user wants black and white; None if the user named none.
        levels: Grey levels that the amplitudes at `PERCENTILES` get if the user named none: those that all training
            images have at the same percentiles. None if these are unknown: black and white.
    """

    percentiles: tuple[float, float] | None = None
    levels: tuple[float, float] | None = None

    def black_and_white(self, measured: NDArray) -> tuple[float, float]:
        """The amplitudes that become black and white, which may lie beyond all that were measured."""
        low, high = np.percentile(measured, self.percentiles or PERCENTILES).tolist()
        dark, light = (0.0, 255.0) if self.percentiles or self.levels is None else self.levels
        step = (high - low) / (light - dark)
        return low - dark * step, high + (255 - light) * step

    def inverted(self) -> "Scaling":
        """The scaling of amplitudes whose grey levels are inverted afterwards."""
        return self if self.levels is None else replace(self, levels=(255 - self.levels[1], 255 - self.levels[0]))


@dataclass(frozen=True)
class Scale:
    """Amplitudes from `low` to `high` become 0 to 255, others are clipped.

    Attributes:
        low: Amplitude that becomes black.
        high: Amplitude that becomes white.
        nulls: Values that are no measurements wherever they are.
        dead: Traces of a value that is an ordinary amplitude in other traces, as 0 is.
    """

    low: float
    high: float
    nulls: tuple[float, ...] = ()
    dead: Traces = field(default_factory=dict)

    def grey(self, values: NDArray) -> NDArray[np.uint8]:
        """Grey levels of rows of amplitudes; null values become `NULL_LEVEL`."""
        levels = values.astype(np.float64)
        levels -= self.low
        levels *= 255 / ((self.high - self.low) or 1.0)
        grey = np.rint(levels.clip(0, 255)).astype(np.uint8)
        if self.nulls or self.dead:
            grey[self.is_null(values)] = NULL_LEVEL
        return grey

    def is_null(self, values: NDArray) -> NDArray[np.bool_]:
        """Whether each value of some rows is a null value."""
        found = np.zeros(values.shape, dtype=bool)
        for null in self.nulls:
            found |= values == null
        for columns in self.dead.values():
            found[:, list(columns)] = True
        return found

    def log_nulls(self, path: Path, bands: Iterable[NDArray]) -> None:
        """Logs each null value with the fraction of the image that it fills.

        Args:
            path: The image's file.
            bands: All its values, some rows at a time; not read if there is no null value.
        """
        if not self.nulls and not self.dead:
            return
        counts, total = dict.fromkeys([*self.nulls, *self.dead], 0), 0
        for band in bands:
            for null in self.nulls:
                counts[null] += int(np.count_nonzero(band == null))
            for value, columns in self.dead.items():
                counts[value] += len(columns) * len(band)
            total += band.size
        for null, count in counts.items():
            if count:
                filled = f"it fills {100 * count / total:.3g}% of the image"
                log.warning("%s: %g is a null value: %s, and no salt is predicted there", one_line(path), null, filled)


def find_scale(values_HW: NDArray, scaling: Scaling, constants: Traces, declared: float | None = None) -> Scale:
    """Finds the scale of the values that are measurements, from at most `SAMPLE` rows and columns.

    Args:
        values_HW: Values of the image, finite.
        scaling: How the values that become black and white are found.
        constants: The traces that are filled by one value, from `constant_traces`.
        declared: The null value that the file itself or the user declares.

    Returns:
        The scale, with all null values.
    """
    height, width = values_HW.shape
    thinned = values_HW[:: -(-height // SAMPLE), :: -(-width // SAMPLE)]
    sample = thinned.astype(np.float64).ravel()
    known = _conventional(sample, values_HW.dtype) | (set() if declared is None else {declared})
    nulls = _nulls(sample, known, set(constants))
    measured = sample[~np.isin(sample, nulls)] if nulls else sample
    ordinary = {null for null in nulls if null not in known and measured.min() <= null <= measured.max()}
    low, high = scaling.black_and_white(measured)
    dead = {value: columns for value, columns in constants.items() if value in ordinary}
    return Scale(low, high, tuple(null for null in nulls if null not in ordinary), dead)


def stored(value: float, dtype: np.dtype) -> float:
    """The number that a file of a type holds where this value was written."""
    return float(np.array(value).astype(dtype)) if dtype.kind == "f" else value


def constant_traces(low_W: NDArray, high_W: NDArray) -> Traces:
    """The traces that are filled by one value, from each trace's smallest and largest value."""
    columns_of: dict[float, list[int]] = {}
    for column in np.flatnonzero(low_W == high_W).tolist():
        columns_of.setdefault(float(low_W[column]), []).append(column)
    return {value: tuple(columns) for value, columns in columns_of.items()}


def _conventional(sample: NDArray[np.float64], dtype: np.dtype) -> set[float]:
    if dtype.kind != "f":
        return set()
    with np.errstate(over="ignore"):  # in float16
        rounded = np.array(_CONVENTIONAL).astype(dtype).astype(np.float64)
    rounded = rounded[np.isclose(rounded, _CONVENTIONAL, rtol=1e-6)]  # float16 holds ordinary amplitudes in their place
    return set(rounded[np.isin(rounded, sample)].tolist())


def _nulls(sample: NDArray[np.float64], known: set[float], constants: set[float]) -> list[float]:
    """Null values: known ones, those that fill traces, and those far away from all others.

    Traces of many constants, and an image of nothing but constant traces, are data.
    """
    for candidates in (known | constants, known) if len(constants) <= _MOST_CONSTANTS else (known,):
        rest = sample[~np.isin(sample, list(candidates))]
        if rest.size:
            return sorted(candidates | _far_values(rest))
    return []


def _far_values(values: NDArray[np.float64]) -> set[float]:
    """Smallest or largest values that are repeated, and further from the others than these are from each other.

    Zero is never such a value, as it is an ordinary amplitude.
    """
    for end in (float(values.min()), float(values.max())):
        others = values[values != end]
        if end and others.size and len(values) - len(others) > 1:
            low, high = others.min(), others.max()
            if 0 < high - low < max(low - end, end - high):
                return {end} | _far_values(others)
    return set()
