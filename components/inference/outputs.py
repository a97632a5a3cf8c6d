"""The outputs of a prediction: masks, probability maps, overlays and a table."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.png import PngWriter
from salt_pipeline.components.inference.sources import Section, Source

FOLDERS = ("masks", "maps", "overlays")

TABLE = "predictions.csv"

SALT_COLOUR = (230, 159, 0)
"""Orange of the palette of Okabe and Ito, which colour-blind readers can distinguish from grey."""

_OPACITY = 0.45

NULL_COLOUR = (86, 180, 233)
"""Sky blue of the same palette, for pixels of null values."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        file: Path of the image, as given.
        width: Width of the image, px.
        height: Height of the image, px.
        salt_fraction: Fraction of its pixels that are salt in the mask.
        largest_probability: Largest value of its map, 0 to 1.
        rle_mask: The mask's run lengths as the competition has them; only of an image of 101 x 101.
        null_fraction: Fraction of its pixels that hold a null value, where there is no salt in mask and map.
        unlike_fraction: Fraction of its tiles that are unlike the training images; None if that is not known.
    """

    file: str
    width: int
    height: int
    salt_fraction: float
    largest_probability: float
    rle_mask: str
    null_fraction: float
    unlike_fraction: float | None


def make_folders(out: Path) -> None:
    """Creates the folders, so that a missing write permission is found before any work.

    Raises:
        SaltError: If one cannot be created or written to.
    """
    try:
        for folder in (out / name for name in FOLDERS):
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise SaltError("cannot be written: no permission", file=folder, field="--out")
    except OSError as error:
        raise SaltError(f"cannot be written: {error.strerror}", file=out, field="--out") from error
    if (out / TABLE).is_dir():
        raise SaltError("cannot be written: is a folder", file=out / TABLE, field="--out")


def check_outputs(out: Path, path: Path, stem: str) -> None:
    """Checks that the pictures of an image can have their names.

    Args:
        out: Folder to write to.
        path: The image, for the message.
        stem: The name of its pictures, without their ending.

    Raises:
        BadImage: If a folder or the image itself has the name of an output, or the file system does not take the name.
    """
    for output in (out / folder / f"{stem}{suffix}" for folder in FOLDERS for suffix in (".png", ".npy")):
        check_output(output, path)


def check_output(output: Path, path: Path) -> None:
    """Checks that one output of an image can be written.

    Raises:
        BadImage: As `check_outputs`.
    """
    reason: str | None = None
    try:
        if output.is_dir():
            reason = "is a folder"
        elif output.exists() and output.samefile(path):
            reason = "would replace the image: use another --out"
    except OSError as error:
        reason = error.strerror
    if reason:
        raise BadImage(f"its output cannot be written: {reason}", file=path, found=output)


class Writers:
    """The three files of one image, written from the top down.

    Args:
        mask: Writer of the mask: 0 and 255.
        overlay: Writer of the image with its salt coloured.
        map_rows: Writer of the map.
    """

    def __init__(self, mask: PngWriter, overlay: PngWriter, map_rows: "PngWriter | NpyWriter") -> None:
        self._mask, self._overlay, self._map = mask, overlay, map_rows

    def write(
        self,
        grey_HW: NDArray[np.uint8],
        map_HW: NDArray[np.uint8],
        mask_HW: NDArray[np.uint8],
        null_HW: NDArray[np.bool_],
    ) -> None:
        """Appends rows of the image, of its map, of its mask (1 is salt), and of its null pixels."""
        self._mask.write(mask_HW * np.uint8(255))
        self._map.write(map_HW)
        rgb = np.repeat(grey_HW[..., None], 3, axis=2)
        salt = mask_HW.astype(bool)
        mixed = (1 - _OPACITY) * rgb[salt] + _OPACITY * np.array(SALT_COLOUR)
        rgb[salt] = mixed.round().astype(np.uint8)
        rgb[null_HW] = NULL_COLOUR
        self._overlay.write(rgb)


class NpyWriter:
    """Writes a .npy array of uint8 row by row.

    Args:
        file: The file; it is not mapped into memory, where a full disk would kill the process.
        shape: Shape of the array.
    """

    def __init__(self, file: IO[bytes], shape: tuple[int, int]) -> None:
        self._file = file
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})

    def write(self, rows: NDArray[np.uint8]) -> None:
        """Appends rows (h, W); they do not stay in memory."""
        self._file.write(rows.tobytes())


@contextmanager
def open_writers(out: Path, source: Source) -> Iterator[Writers]:
    """Opens an image's files; they get their final names only when the block ends without an error.

    Raises:
        SaltError: If one cannot be written.
    """
    stem, width, height = source.path.stem, source.width, source.height
    with ExitStack() as stack:

        def png(folder: str, *, rgb: bool = False) -> PngWriter:
            part = stack.enter_context(atomic_path(out / folder / f"{stem}.png"))
            return stack.enter_context(PngWriter(stack.enter_context(part.open("wb")), width, height, rgb=rgb))

        rows: PngWriter | NpyWriter
        if isinstance(source, Section):
            part = stack.enter_context(atomic_path(out / "maps" / f"{stem}.npy"))
            rows = NpyWriter(stack.enter_context(part.open("wb")), (height, width))
        else:
            rows = png("maps")
        yield Writers(png("masks"), png("overlays", rgb=True), rows)


class Table:
    """The table, which gets the line of an image when its other files are complete.

    Args:
        file: The file, unbuffered.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._write([field.name for field in fields(Row)])

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Takes back what a block that fails has written: there is no line, or part of one, of an unfinished image."""
        end = self._file.tell()
        try:
            yield
        except BaseException:
            self._file.truncate(end)
            raise

    def add(self, row: Row) -> None:
        """Writes a line; bytes of a file's name that are not UTF-8 are escaped.

        Raises:
            OSError: If it cannot be written.
        """
        self._write(astuple(row))

    def _write(self, values: Iterable[object]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(values)
        content = line.getvalue().encode("utf-8", "backslashreplace")
        while content:  # a write that fills the disk writes a part; only the next one fails
            content = content[self._file.write(content) :]


@contextmanager
def open_table(out: Path) -> Iterator[Table]:
    """Opens the table; it gets its name when the block ends, also by an error, and then holds the lines so far.

    Raises:
        SaltError: If it cannot be written.
    """
    failure = None
    with atomic_path(out / TABLE) as part, part.open("wb", buffering=0) as file:
        table = Table(file)
        try:
            yield table
        except BaseException as error:  # Ctrl-C is one too
            failure = error
    if failure:
        raise failure
