"""Images to predict: pictures, and sections that may be larger than memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salt_pipeline.components.core.errors import SaltError

PICTURES = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
SECTION = ".npy"

PERCENTILES = (1.0, 99.0)
"""Percentiles of a section's amplitudes that become black and white."""

SAMPLE = 1000
"""Most rows, and most columns, of a section that its percentiles are computed from."""


class BadImage(SaltError):
    """A file that cannot be predicted; others can."""


@dataclass(frozen=True)
class Source:
    """A picture, decoded on demand.

    Attributes:
        path: The file.
        height: Number of rows.
        width: Number of columns.
    """

    path: Path
    height: int
    width: int

    def open(self) -> "Rows":
        """Decodes the picture.

        Raises:
            BadImage: If it cannot be decoded or its channels differ.
        """
        return Rows(_read_picture(self.path))


class Rows:
    """Grey levels, some rows at a time.

    Args:
        pixels_HW: Grey levels, uint8.
    """

    def __init__(self, pixels_HW: NDArray[np.uint8]) -> None:
        self.pixels_HW = pixels_HW

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Rows `start` to `stop`, uint8."""
        return self.pixels_HW[start:stop]


@dataclass(frozen=True)
class Section(Source):
    """A two-dimensional array in a .npy file.

    Attributes:
        percentiles: Amplitudes that become black and white; None takes 8-bit values as grey levels, and for others
            `PERCENTILES`.
    """

    percentiles: tuple[float, float] | None

    def open(self) -> "Rows":
        """Finds the section's scale; its rows are read and scaled on demand.

        Raises:
            BadImage: If the sample holds numbers that are not finite.
        """
        values = _map_section(self.path)
        if values.dtype == np.uint8 and self.percentiles is None:
            return SectionRows(self.path, 0.0, 255.0)
        sample = values[:: -(-self.height // SAMPLE), :: -(-self.width // SAMPLE)].astype(np.float64)
        if not np.isfinite(sample).all():
            raise BadImage("holds numbers that are not finite", file=self.path, expected="no NaN, no infinity")
        low, high = np.percentile(sample, self.percentiles or PERCENTILES)
        return SectionRows(self.path, float(low), float(high))


class SectionRows(Rows):
    """Rows of a section as grey levels: amplitudes from `low` to `high` become 0 to 255, others are clipped.

    Args:
        path: The .npy file.
        low: Amplitude that becomes black.
        high: Amplitude that becomes white.
    """

    def __init__(self, path: Path, low: float, high: float) -> None:
        self.path, self.low, self.high = path, low, high

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Rows `start` to `stop`, uint8.

        Raises:
            BadImage: If one holds a number that is not finite.
        """
        # Mapped again each time, so that rows read before do not stay in memory.
        rows = _map_section(self.path)[start:stop].astype(np.float64)
        wrong = np.argwhere(~np.isfinite(rows))
        if len(wrong):
            row, column = wrong[0]
            place = f"row {start + row}, column {column}"
            raise BadImage("holds a number that is not finite", file=self.path, field=place, found=rows[row, column])
        rows -= self.low
        rows *= 255 / ((self.high - self.low) or 1.0)
        return np.rint(rows.clip(0, 255)).astype(np.uint8)


def open_source(path: Path, percentiles: tuple[float, float] | None) -> Source:
    """Reads a file's header.

    Raises:
        BadImage: If the file is not an image that can be predicted.
    """
    if not path.is_file():
        raise BadImage("does not exist", file=path)
    if path.suffix.lower() == SECTION:
        height, width = _map_section(path).shape
        return Section(path, height, width, percentiles)
    if path.suffix.lower() not in PICTURES:
        raise BadImage("unknown kind of file", file=path, expected="png, tif or tiff, or a section as npy")
    with _opened(path) as image:
        _check_kind(image, path)
        return Source(path, image.height, image.width)


def _map_section(path: Path) -> np.memmap:
    """Maps a section into memory; nothing is read yet, and nothing is unpickled."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise BadImage("cannot be read as a .npy file", file=path, found=str(error).split("\n")[0]) from error
    if not isinstance(values, np.memmap):  # several arrays in one archive
        raise BadImage("is no .npy file", file=path)
    if values.ndim != 2 or not values.size:
        shape = " x ".join(map(str, values.shape)) or "a single number"
        raise BadImage("is no section", file=path, found=shape, expected="two dimensions, rows by columns")
    if values.dtype.kind not in "iuf":
        raise BadImage("wrong type", file=path, found=values.dtype, expected="integer or float")
    return values


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=[PICTURES[path.suffix.lower()]])
    except Exception as error:  # a damaged file makes Pillow raise errors of many types
        raise BadImage("cannot be read as an image", file=path, found=error or type(error).__name__) from error


def _check_kind(image: Image.Image, path: Path) -> None:
    """Accepts 8 and 16 bit grey and 8 bit RGB."""
    expected = "8 or 16 bit grey, or RGB with equal channels"
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        raise BadImage("has an alpha channel", file=path, found=image.mode, expected=expected)
    if image.mode not in ("L", "RGB", "I;16", "I;16B", "I;16L", "I;16N"):
        depths = {"1": "1 bit", "I": "32 bit", "F": "32 bit float", "P": "a palette"}
        raise BadImage("wrong kind of image", file=path, found=depths.get(image.mode, image.mode), expected=expected)
    if getattr(image, "n_frames", 1) > 1:
        raise BadImage("holds several images", file=path, found=getattr(image, "n_frames", 0), expected="one")


def _read_picture(path: Path) -> NDArray[np.uint8]:
    with _opened(path) as image:
        _check_kind(image, path)
        try:
            pixels = np.asarray(image)
        except Exception as error:  # as above
            raise BadImage("cannot be decoded", file=path, found=error or type(error).__name__) from error
    if pixels.ndim == 3:
        if (pixels != pixels[..., :1]).any():
            raise BadImage("channels differ", file=path, expected="three equal channels")
        pixels = pixels[..., 0]
    if pixels.dtype != np.uint8:
        return np.rint(pixels / 257).astype(np.uint8)  # 65535 is 255
    return np.ascontiguousarray(pixels)
