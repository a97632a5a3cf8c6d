"""What a TIFF file says about its samples, read from its tags; nothing is decoded."""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 256, 257, 258, 259, 262, 274, 277
_MIN, _MAX, _GREY_CURVE, _EXTRA, _FORMAT, _NO_DATA = 280, 281, 291, 338, 339, 42113

_COLOURS = {0: "WhiteIsZero", 1: "grey", 2: "RGB", 3: "palette", 4: "transparency mask", 5: "CMYK", 6: "YCbCr"}
_COLOURS |= {8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "colour filter array", 34892: "linear raw"}
_FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point", 4: "undefined", 5: "complex integer", 6: "complex"}
_SAMPLES_OF = {2: 3, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}
"""Samples of a pixel by PhotometricInterpretation, where it is not one."""

_REQUIRED = {_WIDTH: "ImageWidth", _HEIGHT: "ImageLength", _PHOTOMETRIC: "PhotometricInterpretation"}

_JPEG = 7

_MOST_SAMPLES = 64
"""Most samples of a pixel that are looked at; more are no picture that is taken."""


@dataclass(frozen=True)
class TiffHeader:
    """The tags of TIFF 6.0 that say how samples are meant, of the file's first image.

    Profiles change no grey level that is stored, and are not of interest. MinSampleValue and MaxSampleValue are
    statistics by the specification; only 0 and the largest number of some bits, as 0 and 4095, say which bits are used.

    Attributes:
        width: Width as stored, px.
        height: Height as stored, px.
        depths: Bits of each sample of a pixel.
        formats: SampleFormat of the samples.
        photometric: PhotometricInterpretation.
        extra: Number of ExtraSamples, such as alpha.
        orientation: Orientation, 1 unless it is declared.
        compression: Compression.
        grey_curve: Whether GrayResponseCurve is present.
        null: GDAL_NODATA: the value that stands for no measurement; None if there is none.
        several: Whether the file holds more than one image.
        used: Bits of a sample that are used, by MinSampleValue and MaxSampleValue; None if these do not say it.
    """

    width: int
    height: int
    depths: tuple[int, ...]
    formats: tuple[int, ...]
    photometric: int
    extra: int
    orientation: int
    compression: int
    grey_curve: bool
    null: float | None
    several: bool
    used: int | None

    @property
    def kind(self) -> str:
        """Depth, type and colour of the samples in words."""
        depth = "/".join(map(str, dict.fromkeys(self.depths)))
        forms = [_FORMATS.get(form, f"SampleFormat {form}") for form in dict.fromkeys(self.formats) if form != 1]
        colour = _COLOURS.get(self.photometric, f"PhotometricInterpretation {self.photometric}")
        usual = _SAMPLES_OF.get(self.photometric, 1)
        count = [] if len(self.depths) == usual else [f"with {len(self.depths)} samples"]
        return " ".join([f"{depth}-bit", *forms, colour, *count])

    @property
    def grey(self) -> bool:
        """Whether a pixel has one unsigned sample that is a grey level."""
        return self.photometric in (0, 1) and len(self.depths) == 1 and set(self.formats) == {1}

    @property
    def floating(self) -> bool:
        """Whether a pixel has one sample that is a 32-bit floating-point number."""
        return self.photometric in (0, 1) and self.depths == (32,) and set(self.formats) == {3}

    @property
    def rgb(self) -> bool:
        """Whether a pixel has three unsigned 8-bit samples, RGB, perhaps stored as a JPEG's YCbCr."""
        colour = self.photometric == 2 or (self.photometric == 6 and self.compression == _JPEG)
        return colour and self.depths == (8, 8, 8) and set(self.formats) == {1}


def read_tiff_header(path: Path) -> TiffHeader:
    """Reads the tags of the first image.

    Raises:
        Exception: Of many types, if this is not a TIFF file or its tags are damaged.
    """
    with path.open("rb") as file:
        start = file.read(8)
        tags = ImageFileDirectory_v2(start + file.read(8) if start[2:3] == b"\x2b" else start)
        file.seek(tags.next)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is missing is named below
            tags.load(file)
    for tag, name in _REQUIRED.items():
        if tag not in tags:
            raise ValueError(f"no {name}: it is truncated or damaged")
    samples = int(tags.get(_SAMPLES, 1))
    if not 1 <= samples <= _MOST_SAMPLES:
        raise ValueError(f"{samples} samples of a pixel")
    depths = _each(tags.get(_BITS, 1), samples)
    extra = len(_each(tags[_EXTRA], 1)) if _EXTRA in tags else 0
    null = None
    with suppress(ValueError):
        null = float(str(tags[_NO_DATA]).strip("\0 ")) if _NO_DATA in tags else None
    return TiffHeader(
        width=int(tags[_WIDTH]),
        height=int(tags[_HEIGHT]),
        depths=depths,
        formats=_each(tags.get(_FORMAT, 1), 1),
        photometric=int(tags[_PHOTOMETRIC]),
        extra=extra,
        orientation=int(tags.get(_ORIENTATION) or 1),
        compression=int(tags.get(_COMPRESSION, 1)),
        grey_curve=_GREY_CURVE in tags,
        null=null,
        several=tags.next != 0,
        used=_used_bits(_each(tags.get(_MIN, 0), 1), _each(tags.get(_MAX, 0), 1), depths[0]),
    )


def _used_bits(low: tuple[int, ...], high: tuple[int, ...], depth: int) -> int | None:
    bits = high[0].bit_length()
    declared = not any(low) and set(high) == {2**bits - 1}
    return bits if declared and 0 < bits < depth else None


def _each(value: Any, count: int) -> tuple[int, ...]:
    """The values of a tag; a single one counts for all samples."""
    values = tuple(map(int, value)) if isinstance(value, tuple) else (int(value),)
    return values * count if len(values) == 1 else values
