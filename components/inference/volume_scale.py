"""One scale for all traces of a volume, its null values and its dead traces."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.scale import NULL_LEVEL, SAMPLE, Scale, find_scale
from salt_pipeline.components.inference.volume import Volume

log = logging.getLogger(__name__)

_LEAST = 1e-5
"""Least fraction of the samples that a null value fills, if it could be an amplitude as well."""

_ROUNDING = 2e-6
"""Largest relative difference between a number and its nearest IBM float."""


@dataclass(frozen=True)
class VolumeScale:
    """The amplitudes of a volume as grey levels, and where nothing was measured.

    Attributes:
        scale: The amplitudes that become black and white, and the null values.
        dead: Whether the volume has dead traces: traces of one constant value.
    """

    scale: Scale
    dead: bool

    def grey(self, values_TS: NDArray) -> NDArray[np.uint8]:
        """Grey levels of traces (traces, samples)."""
        grey_TS = self.scale.grey(values_TS)
        if self.dead:
            grey_TS[dead_traces(values_TS)] = NULL_LEVEL
        return grey_TS

    @property
    def partial(self) -> bool:
        """Whether there are samples that are not measurements."""
        return self.dead or bool(self.scale.nulls)

    def is_null(self, values_TS: NDArray) -> NDArray[np.bool_]:
        """Whether each sample of traces (traces, samples) is not a measurement."""
        null_TS = self.scale.is_null(values_TS)
        if self.dead:
            null_TS[dead_traces(values_TS)] = True
        return null_TS


def dead_traces(values_TS: NDArray) -> NDArray[np.bool_]:
    """Whether each trace has but one value, such as the zeros that fill a survey up to a rectangle."""
    return values_TS.min(axis=1) == values_TS.max(axis=1)


def measure(volume: Volume, percentiles: tuple[float, float] | None, null: float | None) -> VolumeScale:
    """Reads a volume once, and again if it has null values, which are logged with the fraction that they fill.

    A zero is a null value only in a dead trace: in others it is an ordinary amplitude.

    Args:
        volume: The volume.
        percentiles: Percentiles of the amplitudes that become black and white; None for the default.
        null: A null value that the user names.

    Raises:
        BadImage: If a trace cannot be read, or holds a number that is not finite.
    """
    if not volume.amplitudes and percentiles is None:
        return VolumeScale(Scale(0.0, 255.0, () if null is None else (null,)), dead=False)
    every = -(-volume.traces // SAMPLE)
    dead, sample, spare, declared = 0, [], None, null
    constants: dict[float, tuple[int, ...]] = {}
    for start, values_TS in volume.blocks():
        _check_finite(volume, start, values_TS)
        dead_T = dead_traces(values_TS)
        dead += int(dead_T.sum())
        constants |= dict.fromkeys(np.unique(values_TS[dead_T, 0]).astype(float).tolist(), ())
        live_TS = values_TS[-start % every :: every][~dead_T[-start % every :: every]]
        sample.append(np.array(live_TS))
        if spare is None and not dead_T.all():
            spare = np.array(values_TS[~dead_T][:1])
        if null is not None and (near := values_TS[np.isclose(values_TS, null, rtol=_ROUNDING, atol=0)]).size:
            declared = float(near[0])
    if spare is None:
        log.warning("%s: all traces are dead: each has but one value; no salt is predicted", volume.path)
        return VolumeScale(Scale(0.0, 0.0), dead=True)
    if dead:
        percent = 100 * dead / volume.traces
        log.warning("%s: %.3g%% of the traces are dead, of one value each: %s", volume.path, percent, _OMITTED)
    sample_TS = np.concatenate(sample)
    constants.pop(0.0, None)
    scale = find_scale((sample_TS if len(sample_TS) else spare).T, percentiles, constants, declared)
    nulls = _occurring(volume, scale, declared)
    return VolumeScale(Scale(scale.low, scale.high, nulls), dead > 0)


_OMITTED = "excluded from the scale, and no salt is predicted there"


def _check_finite(volume: Volume, start: int, values_TS: NDArray) -> None:
    if values_TS.dtype.kind == "f" and not np.isfinite(values_TS).all():
        trace, sample = np.argwhere(~np.isfinite(values_TS))[0]
        place = f"trace {start + trace + 1}, sample {sample + 1}"
        raise BadImage(
            "holds a number that is not finite", file=volume.path, field=place, found=values_TS[trace, sample]
        )


def _occurring(volume: Volume, scale: Scale, declared: float | None) -> tuple[float, ...]:
    """The null values of the scale, each logged with the fraction of all samples that it fills.

    Among many amplitudes, one may be equal to a usual null value by chance.
    """
    if not (nulls := scale.nulls):
        return ()
    counts, total, found = np.zeros(len(nulls), np.int64), volume.traces * volume.samples, []
    for _, values_TS in volume.blocks():
        counts += [np.count_nonzero(values_TS == null) for null in nulls]
    for null, count in zip(nulls, counts.tolist(), strict=True):
        if null == declared or count >= _LEAST * total or not scale.low <= null <= scale.high:
            log.warning(
                "%s: %g is a null value, in %.3g%% of the samples: %s", volume.path, null, 100 * count / total, _OMITTED
            )
            found.append(null)
    return tuple(found)
