"""Pictures: PNG and TIFF files as grey levels, as their own headers say the samples are meant."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salt_pipeline.components.core.png_header import GREY, RGB, read_png_header
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.scale import Scale, constant_traces, find_scale
from salt_pipeline.components.inference.tiff_header import read_tiff_header

PICTURES = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}

_EXPECTED = "8 or 16 bit grey, or 8-bit RGB with equal channels"


@dataclass(frozen=True)
class Picture:
    """How a picture's samples are meant.

    Attributes:
        path: The file.
        height: Number of rows, as oriented.
        width: Number of columns, as oriented.
        bits: Bits per sample.
        white_is_zero: Whether the smallest sample is white.
        orientation: EXIF's and TIFF's Orientation, 1 to 8.
        null: The value that the file declares to be no measurement, as 0 is black.
        kind: What the header says, in words.
    """

    path: Path
    height: int
    width: int
    bits: int
    white_is_zero: bool
    orientation: int
    null: float | None
    kind: str

    @property
    def white(self) -> int:
        """The largest sample of that many bits."""
        return int(2**self.bits - 1)

    def grey(self, percentiles: tuple[float, float] | None) -> NDArray[np.uint8]:
        """Decodes the picture to grey levels (height, width).

        Args:
            percentiles: Percentiles of the samples that become black and white; None keeps all the samples' range.

        Raises:
            BadImage: If it cannot be decoded, its channels differ, or its samples fill only a part of their range.
        """
        samples_HW = self._samples()
        if percentiles is None and samples_HW.dtype == np.uint8:
            return samples_HW
        scale = self._scale(samples_HW, percentiles)
        scale.log_nulls(self.path, [samples_HW])
        return scale.grey(samples_HW)

    def _scale(self, samples_HW: NDArray, percentiles: tuple[float, float] | None) -> Scale:
        """The percentiles; or all the range of deep samples, if they fill it or are 8-bit levels times 257."""
        constants = constant_traces(samples_HW.min(axis=0), samples_HW.max(axis=0))
        found = find_scale(samples_HW, percentiles, constants, self.null)
        if percentiles is not None:
            return found
        measured = samples_HW[~np.isin(samples_HW, found.nulls)] if found.nulls else samples_HW
        low, high = int(measured.min()), int(measured.max())
        if low < high < (self.white + 1) // 4 and (measured % 257).any():
            raise BadImage(
                "the samples fill only a part of their range",
                file=self.path,
                found=f"{low} to {high} of {self.white}",
                expected="the entire range; --percentiles LOW HIGH scales them, for example 0 100",
            )
        return Scale(0.0, float(self.white), found.nulls)

    def _samples(self) -> NDArray:
        """The samples, oriented, 0 is black: uint8 of up to 8 bits, which become 0 to 255; uint16 of more."""
        try:
            # Given a path, Pillow maps an uncompressed TIFF into memory, and garbles it if its axes are exchanged.
            with (
                self.path.open("rb") as file,
                Image.open(file, formats=[PICTURES[self.path.suffix.lower()]]) as image,
            ):
                pixels = np.asarray(image)
        except Exception as error:  # a damaged file makes Pillow raise errors of many types
            raise BadImage("cannot be decoded", file=self.path, found=f"{self.kind}: {_reason(error)}") from error
        if pixels.ndim == 3:
            if (pixels != pixels[..., :1]).any():
                raise BadImage("channels differ", file=self.path, expected="three equal channels")
            pixels = pixels[..., 0]
        if self.bits > 8 and self.white_is_zero:  # Pillow itself inverts samples of up to 8 bits
            pixels = self.white - pixels
        if self.path.suffix.lower() == ".png":  # Pillow itself turns a TIFF
            pixels = _oriented(pixels, self.orientation)
        if pixels.shape != (self.height, self.width):
            found = " x ".join(map(str, pixels.shape))
            expected = f"{self.height} x {self.width}"
            raise BadImage("decodes to another size", file=self.path, found=found, expected=expected)
        return np.ascontiguousarray(pixels)


def read_header(path: Path) -> Picture:
    """Reads what a PNG or TIFF file says about its samples.

    Raises:
        BadImage: If it is neither, or says what cannot be obeyed.
    """
    picture = _png(path) if path.suffix.lower() == ".png" else _tiff(path)
    if not 1 <= picture.orientation <= 8:
        raise BadImage("unknown orientation", file=path, found=picture.orientation, expected="1 to 8")
    if picture.orientation < 5:
        return picture
    return replace(picture, height=picture.width, width=picture.height)


def _png(path: Path) -> Picture:
    try:
        with path.open("rb") as file:
            header = read_png_header(file)
    except OSError as error:
        raise BadImage("cannot be read as an image", file=path, found=_reason(error)) from error
    if header is None:
        raise BadImage("cannot be read as an image", file=path, expected="a PNG")
    if header.transparent or header.colour in (4, 6):
        raise BadImage("has an alpha channel", file=path, found=header.kind, expected=_EXPECTED)
    if not (header.colour == GREY and header.depth > 1) and not (header.colour == RGB and header.depth == 8):
        raise BadImage("wrong kind of image", file=path, found=header.kind, expected=_EXPECTED)
    if header.frames > 1:
        raise BadImage("holds several images", file=path, found=header.frames, expected="one")
    return Picture(path, header.height, header.width, header.depth, False, header.orientation, None, header.kind)


def _tiff(path: Path) -> Picture:
    try:
        header = read_tiff_header(path)
    except Exception as error:  # damaged tags make Pillow raise errors of many types
        raise BadImage("cannot be read as an image", file=path, found=_reason(error), expected="a TIFF") from error
    if header.extra:
        raise BadImage("has an alpha channel", file=path, found=f"{header.kind}, ExtraSamples", expected=_EXPECTED)
    if not header.rgb and not (header.grey and header.depths[0] in (2, 4, 8, 12, 16)):
        raise BadImage("wrong kind of image", file=path, found=header.kind, expected=_EXPECTED)
    if header.grey_curve:
        raise BadImage("has a curve of its grey levels", file=path, found="GrayResponseCurve", expected="no such tag")
    if header.several:
        raise BadImage("holds several images", file=path, expected="one")
    bits, white_is_zero = header.depths[0], header.photometric == 0
    null = 2**bits - 1 - header.null if header.null is not None and white_is_zero else header.null
    size = (header.height, header.width)
    return Picture(path, *size, bits, white_is_zero, header.orientation, null, header.kind)


def _oriented(pixels: NDArray, orientation: int) -> NDArray:
    """The picture as it is to be shown: the first four orientations mirror it, the others exchange its axes as well."""
    if orientation >= 5:
        pixels = pixels.T
    flip_y, flip_x = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_y else 1, :: -1 if flip_x else 1]


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0] or type(error).__name__
