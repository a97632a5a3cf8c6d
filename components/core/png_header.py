"""What a PNG file says about its samples, read from its chunks; nothing is decoded."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from PIL import ExifTags, Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"

GREY, RGB = 0, 2
_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}

_LONGEST = 1 << 16
"""Most bytes of a chunk that are read; the chunks of interest are shorter."""


@dataclass(frozen=True)
class PngHeader:
    """Chunks IHDR, tRNS, sBIT, eXIf and acTL (PNG specification, third edition, 11).

    gAMA and colour profiles are not of interest: they change no grey level that is stored.

    Attributes:
        width: Width as stored, px.
        height: Height as stored, px.
        depth: Bits per sample.
        colour: Colour type; `GREY` and `RGB` have no alpha channel and no palette.
        transparent: Whether a colour is declared transparent.
        orientation: EXIF orientation, 1 unless it is declared.
        frames: Number of images; more than 1 in an animation, or where there is a second IHDR.
        significant: Bits of a sample that are significant (sBIT), if that is declared and less than all.
    """

    width: int
    height: int
    depth: int
    colour: int
    transparent: bool = False
    orientation: int = 1
    frames: int = 1
    significant: int | None = None

    @property
    def kind(self) -> str:
        """Depth and colour type in words."""
        kind = f"{self.depth}-bit {_COLOURS.get(self.colour, 'unknown colour type')}"
        return f"{kind} with a transparent colour" if self.transparent else kind


def read_png_header(file: BinaryIO) -> PngHeader | None:
    """Reads the chunks, in whatever order; None if this is not a PNG. A truncated file gives what is left of it."""
    start = file.read(33)
    if len(start) < 33 or start[:8] != SIGNATURE or start[12:16] != b"IHDR":
        return None
    width, height, depth, colour = struct.unpack(">IIBB", start[16:26])
    transparent, orientation, frames, significant = False, 1, 1, None
    while len(head := file.read(8)) == 8:
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if name == b"IEND":
            break
        content = file.read(length) if name in (b"eXIf", b"acTL", b"sBIT") and length <= _LONGEST else b""
        file.seek(length - len(content) + 4, 1)
        transparent |= name == b"tRNS"
        if name == b"IHDR":  # decoders take the last one
            frames = max(frames, 2)
        elif name == b"eXIf":
            orientation = _orientation(content)
        elif name == b"acTL" and length >= 4:
            frames = max(frames, int.from_bytes(content[:4], "big"))
        elif name == b"sBIT" and 0 < max(content, default=0) < depth:
            significant = max(content)
    return PngHeader(width, height, depth, colour, transparent, orientation, frames, significant)


def _orientation(content: bytes) -> int:
    exif = Image.Exif()
    try:
        exif.load(content)
        return int(exif.get(ExifTags.Base.Orientation) or 1)
    except Exception:  # damaged EXIF makes Pillow raise errors of many types, and declares nothing
        return 1
