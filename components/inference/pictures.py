"""Pictures: PNG and TIFF files as grey levels, as their own headers say the samples are meant."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from salt_pipeline.components.core.png_header import GREY, RGB, read_png_header
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.scale import Scale, Scaling, constant_traces, find_scale, stored
from salt_pipeline.components.inference.tiff_header import read_tiff_header

PICTURES = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}

_LARGEST = 2 * (Image.MAX_IMAGE_PIXELS or 2**26)
"""Most pixels of a picture: Pillow decodes no more."""

_EXPECTED = "8 or 16 bit grey, 32-bit floating-point grey in TIFF, or 8-bit RGB with equal channels"


@dataclass(frozen=True)
class Picture:
    """How a picture's samples are meant.

    Attributes:
        path: The file.
        height: Number of rows, as oriented.
        width: Number of columns, as oriented.
        bits: Bits per sample.
        floating: Whether samples are floating-point numbers: amplitudes.
        used: Bits of a sample that are used, if the file says that these are not all.
        white_is_zero: Whether the smallest sample is white.
        orientation: EXIF's and TIFF's Orientation, 1 to 8.
        null: The sample that the file declares to be no measurement.
        kind: What the header says, in words.
    """

    path: Path
    height: int
    width: int
    bits: int
    floating: bool
    used: int | None
    white_is_zero: bool
    orientation: int
    null: float | None
    kind: str

    @property
    def is_png(self) -> bool:
        """Whether it is a PNG, and not a TIFF."""
        return self.path.suffix.lower() == ".png"

    @property
    def largest(self) -> int:
        """The largest sample of that many bits."""
        return int(2**self.bits - 1)

    def read(self, scaling: Scaling) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """Decodes the picture.

        Args:
            scaling: How amplitudes become grey levels; other samples keep all their range unless it has percentiles.

        Returns:
            Grey levels (height, width), and whether a pixel holds a null value; None if no pixel does.

        Raises:
            BadImage: If it cannot be decoded, its channels differ, or its samples fill only a part of their range.
        """
        samples_HW = self._samples()
        scale = self._scale(samples_HW, scaling.inverted() if self.white_is_zero else scaling)
        if scale == Scale(0.0, 255.0) and not self.floating:
            grey_HW = samples_HW.astype(np.uint8)
        else:
            scale.log_nulls(self.path, [samples_HW])
            grey_HW = scale.grey(samples_HW)
        if self.white_is_zero:
            grey_HW = 255 - grey_HW
        return grey_HW, scale.is_null(samples_HW) if scale.nulls or scale.dead else None

    def _scale(self, samples_HW: NDArray, scaling: Scaling) -> Scale:
        """By the scaling; or all the range of the samples that is used, which they must fill if they are deep."""
        declared = () if self.null is None else (self.null,)
        if scaling.percentiles is None and self.bits <= 8 and self.used is None:
            return Scale(0.0, float(self.largest), declared)
        constants = constant_traces(samples_HW.min(axis=0), samples_HW.max(axis=0))
        null = None if self.null is None else stored(self.null, samples_HW.dtype)
        found = find_scale(samples_HW, scaling, constants, null)
        if scaling.percentiles is not None or self.floating:
            return found
        top = self._top(samples_HW[~found.is_null(samples_HW)])
        outside = (null for null in found.nulls if null > top)
        return Scale(0.0, float(top), tuple(sorted({*declared, *outside})))

    def _top(self, measured: NDArray) -> int:
        """The sample that ends the range in use; `measured` is without null values."""
        low, high = int(measured.min()), int(measured.max())
        if self.used is not None:
            top = 2**self.used - 1
            if self.is_png and (high > top or self._is_scaled_up(measured, top)):
                return self.largest
            if high > top:
                raise BadImage(
                    "samples are above MaxSampleValue", file=self.path, found=high, expected=f"at most {top}"
                )
            return top
        if self.bits > 8 and low < high < (self.largest + 1) // 4 and (measured % 257).any():
            raise BadImage(
                "the samples fill only a part of their range",
                file=self.path,
                found=f"{low} to {high} of {self.largest}",
                expected="the entire range; --percentiles LOW HIGH scales them, for example 0 100",
            )
        return self.largest

    def _is_scaled_up(self, measured: NDArray, top: int) -> bool:
        """Whether samples of fewer bits are scaled to the entire range, by zeros below or evenly, as PNG wants it."""
        nearest = np.rint(np.rint(measured * (top / self.largest)) * (self.largest / top))
        even = (np.abs(measured - nearest) <= 1).all()
        return bool(even or not (measured % ((self.largest + 1) // (top + 1))).any())

    def _samples(self) -> NDArray:
        """The samples as stored, but oriented: uint8 of up to 8 bits, uint16 of more, or float32."""
        try:
            # Given a path, Pillow maps an uncompressed TIFF into memory, and garbles it if its axes are exchanged.
            with (
                self.path.open("rb") as file,
                warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
                Image.open(file, formats=[PICTURES[self.path.suffix.lower()]]) as image,
            ):
                if self.is_png:
                    image.load()
                elsewhere = _orientation_of(image)
                pixels = np.asarray(image)
        except UnidentifiedImageError as error:
            found = f"{self.kind}: the decoder does not know it in this form"
            raise BadImage("cannot be decoded", file=self.path, found=found) from error
        except Exception as error:  # a damaged file makes Pillow raise errors of many types
            raise BadImage("cannot be decoded", file=self.path, found=f"{self.kind}: {_reason(error)}") from error
        if elsewhere not in (None, self.orientation):
            problem, expected = "the orientation is declared in XMP or in a text", "in EXIF or in TIFF's own tag"
            raise BadImage(problem, file=self.path, found=elsewhere, expected=expected)
        if pixels.ndim == 3:
            if (pixels != pixels[..., :1]).any():
                raise BadImage("channels differ", file=self.path, expected="three equal channels")
            pixels = pixels[..., 0]
        if self.white_is_zero and self.bits <= 8:  # Pillow inverts these, and only these
            pixels = 255 - pixels
        if self.bits < 8:  # Pillow scales these to 8 bits
            pixels = pixels // (255 // self.largest)
        if self.is_png:  # Pillow itself turns a TIFF
            pixels = _oriented(pixels, self.orientation)
        if pixels.shape != (self.height, self.width):
            found = " x ".join(map(str, pixels.shape))
            expected = f"{self.height} x {self.width}"
            raise BadImage("decodes to another size", file=self.path, found=found, expected=expected)
        if self.floating and not np.isfinite(pixels).all():
            row, column = np.argwhere(~np.isfinite(pixels))[0]
            place = f"row {row}, column {column}"
            found = pixels[row, column]
            raise BadImage("holds a number that is not finite", file=self.path, field=place, found=found)
        return np.ascontiguousarray(pixels)


def read_header(path: Path) -> Picture:
    """Reads what a PNG or TIFF file says about its samples.

    Raises:
        BadImage: If it is neither, or says what cannot be obeyed.
    """
    picture = _png(path) if path.suffix.lower() == ".png" else _tiff(path)
    if picture.width * picture.height > _LARGEST:
        found, expected = f"{picture.width} x {picture.height} px", f"at most {_LARGEST:,} px; larger ones as .npy"
        raise BadImage("is too large for a picture", file=path, found=found, expected=expected)
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
    size = (header.height, header.width)
    return Picture(path, *size, header.depth, False, header.significant, False, header.orientation, None, header.kind)


def _tiff(path: Path) -> Picture:
    try:
        header = read_tiff_header(path)
    except Exception as error:  # damaged tags make Pillow raise errors of many types
        raise BadImage("cannot be read as an image", file=path, found=_reason(error), expected="a TIFF") from error
    if header.extra:
        raise BadImage("has an alpha channel", file=path, found=f"{header.kind}, ExtraSamples", expected=_EXPECTED)
    if not header.rgb and not header.floating and not (header.grey and header.depths[0] in (2, 4, 8, 12, 16)):
        raise BadImage("wrong kind of image", file=path, found=header.kind, expected=_EXPECTED)
    if header.grey_curve:
        raise BadImage("has a curve of its grey levels", file=path, found="GrayResponseCurve", expected="no such tag")
    if header.several:
        raise BadImage("holds several images", file=path, expected="one")
    size, bits, inverted = (header.height, header.width), header.depths[0], header.photometric == 0
    orientation, null = header.orientation, header.null
    return Picture(path, *size, bits, header.floating, header.used, inverted, orientation, null, header.kind)


def _orientation_of(image: Image.Image) -> int | None:
    """The orientation by whatever Pillow reads: EXIF, XMP, ImageMagick's texts; None if these are damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation) or 1)
    except Exception:  # damaged EXIF makes Pillow raise errors of many types, and declares nothing
        return None


def _oriented(pixels: NDArray, orientation: int) -> NDArray:
    """The picture as it is to be shown: the first four orientations mirror it, the others exchange its axes as well."""
    if orientation >= 5:
        pixels = pixels.T
    flip_y, flip_x = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_y else 1, :: -1 if flip_x else 1]


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0] or type(error).__name__
