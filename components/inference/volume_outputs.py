"""The outputs of a volume: a copy of the file with its traces replaced, and pictures of lines."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.outputs import check_output, check_outputs
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.segy import FLOATS, SegyVolume, opened
from salt_pipeline.components.inference.sources import Source
from salt_pipeline.components.inference.volume import ArrayVolume, Line, Volume

SEGY_FOLDERS, ARRAY_FOLDERS = ("probability", "mask"), ("maps", "masks")

PICTURES = 20
"""Most lines of a volume that are also written as pictures."""

LARGEST_PICTURE = 64_000_000
"""Most pixels of such a line: its grey levels, map and mask are in memory."""


class VolumeWriter(ABC):
    """The probabilities and the mask of a volume, written a few traces at a time."""

    @abstractmethod
    def write(self, start: int, map_TS: NDArray[np.uint8], mask_TS: NDArray[np.uint8]) -> None:
        """Writes traces of one line, from trace `start` on; the map is round(255 p), the mask 0 and 1."""


class SegyWriter(VolumeWriter):
    """Replaces the traces in two copies of a SEG-Y file.

    Floating-point samples become probabilities from 0 to 1; integers, which cannot hold these, become percent.

    Args:
        probability: The copy for the probabilities, open in segyio.
        mask: The copy for the mask: 0 and 1.
        code: Code of the sample format.
    """

    def __init__(self, probability: Any, mask: Any, code: int) -> None:
        self._probability, self._mask, self._code = probability, mask, code

    def write(self, start: int, map_TS: NDArray[np.uint8], mask_TS: NDArray[np.uint8]) -> None:
        """Writes traces from `start` on."""
        values_TS = map_TS / 255 if self._code in FLOATS else np.rint(map_TS / 2.55)
        for file, traces in ((self._probability, values_TS), (self._mask, mask_TS)):
            file.trace[start : start + len(traces)] = traces.astype(file.dtype)


class ArrayWriter(VolumeWriter):
    """Writes two arrays of the volume's shape, uint8, inline by inline.

    They are not mapped into memory: a full disk would kill the process.

    Args:
        maps: For the probabilities as round(255 p), opened for binary writing.
        masks: For the mask: 0 and 255.
        volume: The volume.
    """

    def __init__(self, maps: IO[bytes], masks: IO[bytes], volume: ArrayVolume) -> None:
        self._files, self._transposed = (maps, masks), volume.transposed
        self._line: list[NDArray[np.uint8]] = []
        self._traces = volume.traces // len(volume.lines)
        header = {"descr": "|u1", "fortran_order": False, "shape": volume.shape}
        for file in self._files:
            np.lib.format.write_array_header_1_0(file, header)

    def write(self, start: int, map_TS: NDArray[np.uint8], mask_TS: NDArray[np.uint8]) -> None:
        """Writes traces; they are kept until the inline is complete."""
        assert start % self._traces == sum(band.shape[1] for band in self._line)
        self._line.append(np.stack([map_TS, mask_TS * np.uint8(255)]))
        if start % self._traces + len(map_TS) == self._traces:
            for file, values_TS in zip(self._files, np.concatenate(self._line, axis=1), strict=True):
                file.write((values_TS.T if self._transposed else values_TS).tobytes())
            self._line = []


def check_volume_outputs(out: Path, volume: Volume, others: Mapping[str, Path]) -> None:
    """Checks that the outputs of a volume can have its name, and its lines' pictures theirs.

    Args:
        out: Folder to write to.
        volume: The volume.
        others: All images of the call by their names without ending, which their pictures have.

    Raises:
        BadImage: If a name is too long or another image's, or a folder or the volume itself has the name of an output.
    """
    for stem in sorted(picture_of(volume, line).path.stem for line in pictured(volume)):
        if (other := others.get(stem, volume.path)) != volume.path:
            problem = "the pictures of one of its lines have the name of another image"
            raise BadImage(problem, file=volume.path, found=other)
        check_outputs(out, volume.path, stem)
    for folder in _folders(volume):
        check_output(out / folder / volume.path.name, volume.path)


@contextmanager
def open_volume_writer(out: Path, volume: Volume) -> Iterator[VolumeWriter]:
    """Opens a volume's files; they get their final names only when the block ends without an error.

    A SEG-Y file is copied first, so that a disk without space for it is noticed before any work, and all headers stay
    as they are, byte for byte.

    Raises:
        SaltError: If one cannot be written.
    """
    name = volume.path.name
    with ExitStack() as stack:
        parts = [stack.enter_context(atomic_path(out / folder / name)) for folder in _folders(volume)]
        if isinstance(volume, SegyVolume):
            for part in parts:
                shutil.copyfile(volume.path, part)
            probability, mask = (stack.enter_context(opened(part, volume.endian, "r+")) for part in parts)
            yield SegyWriter(probability, mask, volume.format)
        else:
            assert isinstance(volume, ArrayVolume)
            maps, masks = (stack.enter_context(part.open("wb")) for part in parts)
            yield ArrayWriter(maps, masks, volume)


def _folders(volume: Volume) -> tuple[str, str]:
    """The folders of the probabilities and of the mask."""
    return SEGY_FOLDERS if isinstance(volume, SegyVolume) else ARRAY_FOLDERS


def pictured(volume: Volume) -> set[Line]:
    """The lines that are written as pictures too: at most `PICTURES`, evenly spread, none that is too large."""
    count = min(PICTURES, len(volume.lines))
    chosen = {volume.lines[round(number)] for number in np.linspace(0, len(volume.lines) - 1, count)}
    return {line for line in chosen if (line.stop - line.start) * volume.samples <= LARGEST_PICTURE}


def picture_of(volume: Volume, line: Line) -> Source:
    """The name and size of a line's pictures, in which the time runs downwards."""
    stem = "-".join(part for part in (volume.path.stem, line.name) if part)
    return Source(Path(f"{stem}.png"), volume.samples, line.stop - line.start, Scaling())
