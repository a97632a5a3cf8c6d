"""One scale for all traces of a volume, its null values and its dead traces."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import one_line
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.scale import NULL_LEVEL, SAMPLE, Scale, Scaling, find_scale
from salt_pipeline.components.inference.volume import Volume

log = logging.getLogger(__name__)

_OMITTED = "excluded from the scale, and no salt is predicted there"

_MOST_CONSTANTS = 100
"""Different values of dead traces that are counted; so many are amplitudes, not null values."""

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


def measure(volume: Volume, scaling: Scaling, null: float | None) -> VolumeScale:
    """Reads a volume once, and again if it has null values, which are logged with the fraction that they fill.

    A zero is a null value only in a dead trace: in others it is an ordinary amplitude.

    Args:
        volume: The volume.
        scaling: How the amplitudes become grey levels; grey levels are kept unless it has percentiles.
        null: A null value that the user names.

    Raises:
        BadImage: If a trace cannot be read, or holds a number that is not finite.
    """
    if not volume.amplitudes and scaling.percentiles is None:
        scale = Scale(0.0, 255.0, () if null is None else (null,))
        return VolumeScale(Scale(0.0, 255.0, _occurring(volume, scale, null)), dead=False)
    survey = _Survey(volume, null)
    for start, values_TS in volume.blocks():
        survey.add(start, values_TS)
    if survey.spare is None:
        log.warning("%s: all traces are dead: each has but one value; no salt is predicted", one_line(volume.path))
        return VolumeScale(Scale(0.0, 0.0), dead=True)
    if survey.dead:
        filled = f"{100 * survey.dead / volume.traces:.3g}% of the traces are dead, of one value each"
        log.warning("%s: %s: %s", one_line(volume.path), filled, _OMITTED)
    scale = find_scale(survey.sample().T, scaling, survey.constants, survey.null)
    return VolumeScale(Scale(scale.low, scale.high, _occurring(volume, scale, survey.null)), survey.dead > 0)


class _Survey:
    """What a reading of all traces finds.

    Args:
        volume: The volume.
        null: The null value that the user names.

    Attributes:
        dead: Number of dead traces.
        constants: Their values, as `find_scale` takes them, without zero.
        spare: A live trace, if there is one.
        null: The null value as the file holds it, which may be rounded.
    """

    def __init__(self, volume: Volume, null: float | None) -> None:
        self.volume, self.null, self._named = volume, null, null
        self.dead = 0
        self.constants: dict[float, tuple[int, ...]] = {}
        self.spare: NDArray | None = None
        self._every = -(-volume.traces // SAMPLE)
        self._sample: list[NDArray] = []

    def add(self, start: int, values_TS: NDArray) -> None:
        """Takes the traces from trace `start` on.

        Raises:
            BadImage: If a number is not finite.
        """
        _check_finite(self.volume, start, values_TS)
        live_T = ~dead_traces(values_TS)
        self.dead += int((~live_T).sum())
        if len(self.constants) < _MOST_CONSTANTS:
            found = np.unique(values_TS[~live_T, 0])[:_MOST_CONSTANTS].astype(float).tolist()
            self.constants |= {value: () for value in found if value}
        chosen_T = live_T & ((start + np.arange(len(live_T))) % self._every == 0)
        self._sample.append(np.array(values_TS[chosen_T]))
        if self.spare is None and live_T.any():
            self.spare = np.array(values_TS[live_T][:1])
        if self._named is not None:
            near = values_TS[np.isclose(values_TS, self._named, rtol=_ROUNDING, atol=0)]
            self.null = float(near[0]) if near.size else self.null

    def sample(self) -> NDArray:
        """At most `SAMPLE` evenly spread live traces."""
        sample_TS = np.concatenate(self._sample)
        assert self.spare is not None
        return sample_TS if len(sample_TS) else self.spare


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
                "%s: %g is a null value, in %.3g%% of the samples: %s",
                one_line(volume.path),
                null,
                100 * count / total,
                _OMITTED,
            )
            found.append(null)
    return tuple(found)
