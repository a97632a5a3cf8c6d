"""Images to predict: pictures, and sections that may be larger than memory."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.pictures import PICTURES, read_header
from salt_pipeline.components.inference.scale import Scale, Scaling, Traces, constant_traces, find_scale, stored

SECTION = ".npy"


@dataclass(frozen=True)
class Source:
    """A picture, decoded on demand.

    Attributes:
        path: The file.
        height: Number of rows.
        width: Number of columns.
        scaling: How its amplitudes become grey levels; those of a picture and of an 8-bit section are kept unless it
            has percentiles.
        null: A value that stands for no measurement, beside those that are found.
    """

    path: Path
    height: int
    width: int
    scaling: Scaling
    null: float | None = None

    def open(self) -> "Rows":
        """Decodes the picture.

        Raises:
            BadImage: If it cannot be decoded, or its samples are not grey levels.
        """
        picture = read_header(self.path)
        self._check_size(picture.height, picture.width)
        if self.null is not None:
            picture = replace(picture, null=self.null)
        return Rows(*picture.read(self.scaling))

    def _check_size(self, *size: int) -> None:
        if size != (self.height, self.width):
            found, expected = (f"{height} x {width}" for height, width in (size, (self.height, self.width)))
            raise BadImage("was replaced while it was read", file=self.path, found=found, expected=expected)


class Rows:
    """Grey levels, some rows at a time.

    Args:
        pixels_HW: Grey levels, uint8.
        null_HW: Whether each pixel holds a null value; None if no pixel does.
    """

    def __init__(self, pixels_HW: NDArray[np.uint8], null_HW: NDArray[np.bool_] | None = None) -> None:
        self.pixels_HW, self.null_HW = pixels_HW, null_HW

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Rows `start` to `stop`, uint8."""
        return self.pixels_HW[start:stop]

    def is_null(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Whether each pixel of the rows `start` to `stop` holds a null value: there is nothing to predict."""
        if self.null_HW is None:
            return np.zeros((stop - start, self.pixels_HW.shape[1]), dtype=bool)
        return self.null_HW[start:stop]


@dataclass(frozen=True)
class Section(Source):
    """A two-dimensional array in a .npy file."""

    def open(self) -> "Rows":
        """Reads the section once for its scale; its rows are read again and scaled on demand.

        Raises:
            BadImage: If a number is not finite.
        """
        values = _map_section(self.path)
        self._check_size(*values.shape)
        if values.dtype == np.uint8 and self.scaling.percentiles is None:
            scale = Scale(0.0, 255.0, () if self.null is None else (self.null,))
        else:
            null = None if self.null is None else stored(self.null, values.dtype)
            scale = find_scale(values, self.scaling, self._constants(), null)
        scale.log_nulls(self.path, self._bands())
        return SectionRows(self.path, scale)

    def _bands(self) -> Iterator[NDArray]:
        # Mapped again each time, so that rows read before do not stay in memory.
        return (_map_section(self.path)[top : top + SIDE] for top in range(0, self.height, SIDE))

    def _constants(self) -> Traces:
        """The traces that one value fills; all values are checked to be finite."""
        low_W = high_W = _map_section(self.path)[0]
        for number, band in enumerate(self._bands()):
            low_W, high_W = np.minimum(low_W, band.min(axis=0)), np.maximum(high_W, band.max(axis=0))
            if not (np.isfinite(low_W) & np.isfinite(high_W)).all():
                row, column = np.argwhere(~np.isfinite(band))[0]
                place = f"row {number * SIDE + row}, column {column}"
                found = band[row, column]
                raise BadImage("holds a number that is not finite", file=self.path, field=place, found=found)
        return constant_traces(low_W, high_W)


class SectionRows(Rows):
    """Rows of a section as grey levels.

    Args:
        path: The .npy file.
        scale: Amplitudes that become black and white.
    """

    def __init__(self, path: Path, scale: Scale) -> None:
        self.path, self.scale = path, scale

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Rows `start` to `stop`, uint8."""
        # Mapped again each time, so that rows read before do not stay in memory.
        return self.scale.grey(_map_section(self.path)[start:stop])

    def is_null(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Whether each pixel of the rows `start` to `stop` holds a null value."""
        return self.scale.is_null(_map_section(self.path)[start:stop])


def open_source(path: Path, scaling: Scaling, null: float | None = None) -> Source:
    """Reads a file's header.

    Raises:
        BadImage: If the file is not an image that can be predicted.
    """
    check_kind(path)
    if path.suffix.lower() == SECTION:
        height, width = _map_section(path).shape
        return Section(path, height, width, scaling, null)
    if path.suffix.lower() not in PICTURES:
        raise BadImage("unknown kind of file", file=path, expected="png, tif, tiff, npy, sgy or segy")
    picture = read_header(path)
    return Source(path, picture.height, picture.width, scaling, null)


def check_kind(path: Path) -> None:
    """Checks that this is a regular file: a pipe may never answer, a device may never end.

    Raises:
        BadImage: If it is not, or does not exist.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise BadImage("does not exist", file=path) from None
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror}", file=path) from error
    if not stat.S_ISREG(mode):
        found = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise BadImage("is not a regular file", file=path, found=found)


def _map_section(path: Path) -> np.memmap:
    """Maps a section into memory; nothing is read yet."""
    values = map_array(path)
    if values.ndim != 2:
        shape = " x ".join(map(str, values.shape)) or "a single number"
        expected = "two dimensions, rows by columns, or three"
        raise BadImage("is no section", file=path, found=shape, expected=expected)
    return values


def map_array(path: Path) -> np.memmap:
    """Maps an array of numbers into memory; nothing is read yet, and nothing is unpickled.

    Raises:
        BadImage: If the file holds no such array, or an empty one.
    """
    try:
        with path.open("rb") as file:
            head = file.read(6)
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror}", file=path) from error
    if head and head != b"\x93NUMPY" and not head.startswith(b"PK"):  # NumPy would take it for a pickle
        raise BadImage("is no .npy file", file=path, found=f"a file that begins with {head!r}")
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy's reader of headers fails in many ways
        reason = str(error).split("\n")[0].partition(" on line ")[0]  # what follows is an object of the interpreter
        raise BadImage("cannot be read as a .npy file", file=path, found=reason) from error
    if not isinstance(values, np.memmap):  # several arrays in one archive
        raise BadImage("is no .npy file", file=path)
    if not values.size:
        raise BadImage("is an empty array", file=path, found=" x ".join(map(str, values.shape)))
    if values.dtype.kind not in "iuf":
        raise BadImage("wrong type", file=path, found=values.dtype, expected="integer or float")
    return values
