"""Predicts volumes and lines of traces, a hundred traces at a time."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.metric import to_masks
from salt_pipeline.components.inference.outputs import open_writers
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.sources import Rows, Source
from salt_pipeline.components.inference.tiles import Predict, count_tiles, predict_bands
from salt_pipeline.components.inference.volume import Line, Volume
from salt_pipeline.components.inference.volume_outputs import (
    VolumeWriter,
    open_volume_writer,
    picture_of,
    pictured,
)
from salt_pipeline.components.inference.volume_scale import VolumeScale


@dataclass
class Found:
    """What was found in a volume so far.

    Attributes:
        salt: Samples of its mask that are salt.
        largest: Largest value of its map, as round(255 p).
        null: Samples that are no measurements.
    """

    salt: int = 0
    largest: int = 0
    null: int = 0


class TraceRows(Rows):
    """The traces of a line as rows of grey levels.

    Args:
        volume: The volume.
        line: The line.
        scale: The volume's scale.
    """

    def __init__(self, volume: Volume, line: Line, scale: VolumeScale) -> None:
        self.volume, self.line, self.scale = volume, line, scale

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Traces `start` to `stop` of the line, uint8."""
        return self.scale.grey(self._values(start, stop))

    def is_null(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Whether each sample of the traces `start` to `stop` is not a measurement."""
        if not self.scale.partial:
            return np.zeros((stop - start, self.volume.samples), dtype=bool)
        return self.scale.is_null(self._values(start, stop))

    def _values(self, start: int, stop: int) -> NDArray:
        return self.volume.read(self.line.start + start, self.line.start + stop)


@dataclass(frozen=True)
class Prediction:
    """How a volume is predicted.

    Attributes:
        predict: Maps tiles (B, 101, 101) in which the time runs downwards.
        stride: Most traces, and most samples, from one tile to the next.
        batch: Tiles that are predicted at once.
        threshold: A sample is salt if its probability is strictly above it.
    """

    predict: Predict
    stride: int
    batch: int
    threshold: float

    def volume(self, volume: Volume, scale: VolumeScale, out: Path, found: Found) -> Iterator[int]:
        """Predicts a volume line by line.

        Args:
            volume: The volume.
            scale: Its scale.
            out: Folder to write to.
            found: Is brought up to date with each step.

        Yields:
            The number of tiles that were predicted.
        """
        pictures = pictured(volume)
        with open_volume_writer(out, volume) as writer:
            for line in volume.lines:
                yield from self._line(TraceRows(volume, line, scale), writer, out if line in pictures else None, found)

    def _line(self, rows: TraceRows, writer: VolumeWriter, out: Path | None, found: Found) -> Iterator[int]:
        """Predicts a line; `out` is where its pictures go, if it has any."""
        line, top, bands = rows.line, 0, []
        for grey_TS, map_TS, tiles in predict_bands(
            stored(rows.volume, line), rows, transposed_tiles(self.predict), self.stride, self.batch
        ):
            null_TS = rows.is_null(top, top + len(map_TS))
            map_TS[null_TS] = 0
            mask_TS = to_masks(map_TS[None], self.threshold, 0)[0]
            writer.write(line.start + top, map_TS, mask_TS)
            found.salt, found.null = found.salt + int(mask_TS.sum()), found.null + int(null_TS.sum())
            found.largest, top = max(found.largest, int(map_TS.max())), top + len(map_TS)
            if out is not None:
                bands.append((grey_TS, map_TS, mask_TS, null_TS))
            yield tiles
        with open_writers(out, picture_of(rows.volume, line)) if out is not None else nullcontext() as pictures:
            if pictures is not None:
                pictures.write(*(np.concatenate(parts).T for parts in zip(*bands, strict=True)))


def count_volume_tiles(volume: Volume, stride: int) -> int:
    """Number of tiles of a volume."""
    return sum(count_tiles(stored(volume, line), stride) for line in volume.lines)


def stored(volume: Volume, line: Line) -> Source:
    """The size of a line as it is stored: its rows are traces."""
    return Source(volume.path, line.stop - line.start, volume.samples, Scaling())


def transposed_tiles(predict: Predict) -> Predict:
    """Maps tiles whose rows are traces by a network whose columns are traces."""

    def turned(tile_BTS: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return predict(np.ascontiguousarray(tile_BTS.swapaxes(1, 2))).swapaxes(1, 2)

    return turned
