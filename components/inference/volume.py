"""Volumes and lines of traces, which may be larger than memory: what is read, a few traces at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.sources import map_array

_BLOCK = 2**20
"""Samples that are read at once where a file is read from its beginning to its end."""


@dataclass(frozen=True)
class Line:
    """Consecutive traces that are one vertical section.

    Attributes:
        name: Its name in the volume, such as `inline120`; empty if it is the only line of the file.
        start: Its first trace.
        stop: The trace after its last one.
    """

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class Volume(ABC):
    """Traces of equal length, in lines.

    Attributes:
        path: The file.
        traces: Number of traces.
        samples: Samples of a trace, from the top down.
        lines: The sections, which together have all traces.
        amplitudes: Whether its values are amplitudes; otherwise they are grey levels.
    """

    path: Path
    traces: int
    samples: int
    lines: tuple[Line, ...]
    amplitudes: bool

    @abstractmethod
    def read(self, start: int, stop: int) -> NDArray:
        """Traces `start` to `stop` of one line, (traces, samples).

        Raises:
            BadImage: If they cannot be read.
        """

    def blocks(self) -> Iterator[tuple[int, NDArray]]:
        """All traces, some at a time, with the number of the first."""
        step = max(1, _BLOCK // self.samples)
        for line in self.lines:
            for start in range(line.start, line.stop, step):
                yield start, self.read(start, min(start + step, line.stop))


@dataclass(frozen=True)
class ArrayVolume(Volume):
    """An array in a .npy file: trace, time; inline, crossline, time; or inline, time, crossline.

    Attributes:
        transposed: Whether the time is the second of three axes, and not the last.
        shape: Shape of the array.
    """

    transposed: bool
    shape: tuple[int, ...]

    def read(self, start: int, stop: int) -> NDArray:
        """Traces `start` to `stop` of one inline, (traces, samples)."""
        # Mapped again each time, so that traces read before do not stay in memory.
        volume: NDArray = map_array(self.path)
        if volume.shape != self.shape:
            found, expected = (" x ".join(map(str, shape)) for shape in (volume.shape, self.shape))
            raise BadImage("was replaced while it was read", file=self.path, found=found, expected=expected)
        if volume.ndim == 2:
            volume = volume[None]
        elif self.transposed:
            volume = volume.swapaxes(1, 2)
        inline, first = divmod(start, volume.shape[1])
        return volume[inline, first : first + stop - start]


def array_volume(path: Path, values: NDArray, *, transposed: bool) -> ArrayVolume:
    """A volume in an array of three axes, each inline of which is a line, or a line in one of two."""
    amplitudes = values.dtype != np.uint8
    if values.ndim == 2:
        traces, samples = values.shape
        return ArrayVolume(path, traces, samples, (Line("", 0, traces),), amplitudes, False, values.shape)
    inlines, crosslines, samples = (values.swapaxes(1, 2) if transposed else values).shape
    lines = tuple(Line(f"inline{number}", number * crosslines, (number + 1) * crosslines) for number in range(inlines))
    return ArrayVolume(path, inlines * crosslines, samples, lines, amplitudes, transposed, values.shape)
