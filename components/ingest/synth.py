"""A synthetic survey in the layout of the competition's archive, to try the pipeline without the data."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from PIL import Image

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.core.rle import encode
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.ingest.layout import SYNTHETIC
from salt_pipeline.components.ingest.seismic import Kind, section

FRACTIONS: dict[Kind, float] = {
    "empty": 0.38,
    "black": 0.02,
    "vertical": 0.03,
    "tiny": 0.03,
    "full": 0.02,
    "dome": 0.24,
    "flank": 0.18,
    "body": 0.10,
}
"""Fraction of the tiles of each kind. In the real set: 39% empty, 2% black, 3% vertical, 2% tiny, 1% full."""

TOUCHING = 0.12
"""Fraction of the tiles that are cut from one section with a neighbour; 488 of 4,000 in the real set."""


@dataclass(frozen=True)
class Tile:
    """One image with its truth: id, grey levels and mask (101, 101) uint8, depth in ft."""

    id: str
    image: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    depth: int


def write_survey(out: str, *, labelled: int = 400, test: int = 200, seed: int = 0) -> None:
    """Makes a synthetic survey and writes it as the competition's archive is laid out.

    The same arguments give the same bytes. Scores on it have no meaning.

    Args:
        out: A file name ending in .zip, or the name of a new folder.
        labelled: Number of images with masks.
        test: Number of images without.
        seed: Seed of all randomness.

    Raises:
        SaltError: If a number is below 1, `out` is a folder that is not empty, or it cannot be written.
    """
    for field, number in (("labelled", labelled), ("test", test)):
        if number < 1:
            raise SaltError("too few images", field=field, found=number, expected="at least 1")
    rng = np.random.default_rng(seed)
    ids = iter([f"{number:010x}" for number in _distinct(rng, labelled + test)])
    write_tiles(out, _tiles(rng, labelled, ids), _tiles(rng, test, ids))


def write_tiles(out: str, labelled: list[Tile], test: list[Tile]) -> None:
    """Writes tiles as a zip of zips (`out` ends in .zip) or as a folder.

    Raises:
        SaltError: If it cannot be written.
    """
    labelled, test = (sorted(tiles, key=lambda tile: tile.id) for tiles in (labelled, test))
    if out.endswith(".zip"):
        _check_replaces_none(Path(out))
        with atomic_path(out) as part, zipfile.ZipFile(part, "w") as outer:
            for name, content in _tables(labelled, test):
                _add(outer, name, content)
            for name, files in (("train.zip", _train_files(labelled)), ("test.zip", _test_files(test))):
                buffer = io.BytesIO()
                with zipfile.ZipFile(buffer, "w") as inner:
                    for path, content in files:
                        _add(inner, path, content)
                _add(outer, name, buffer.getvalue())
        return
    folder = Path(out)
    part = folder.parent / f".{folder.name}.{uuid4().hex[:8]}.part"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SaltError("exists already", file=out, expected="a new or empty folder, or a name ending in .zip")
        for top, files in (
            ("", iter(_tables(labelled, test))),
            ("train", _train_files(labelled)),
            ("test", _test_files(test)),
        ):
            for path, content in files:
                file = part / top / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        part.replace(folder)
    except OSError as error:
        raise SaltError(f"cannot be written: {error.strerror or error}", file=out) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_replaces_none(path: Path) -> None:
    """Checks that a file of this name, if there is one, is a synthetic survey too."""
    if not path.is_file():
        return
    try:
        with zipfile.ZipFile(path) as existing:
            known = SYNTHETIC in existing.namelist()
    except (zipfile.BadZipFile, OSError):
        known = False
    if not known:
        raise SaltError("exists already, and is no synthetic survey", file=path, expected="another name")


def _distinct(rng: np.random.Generator, count: int) -> list[int]:
    numbers: dict[int, None] = {}
    while len(numbers) < count:
        numbers[int(rng.integers(16**10))] = None
    return list(numbers)


def _tiles(rng: np.random.Generator, count: int, ids: Iterator[str]) -> list[Tile]:
    """Draws `count` tiles: pairs that touch first, then single ones."""
    pairs = round(count * TOUCHING / 2)
    kinds = _kinds(count - 2 * pairs, FRACTIONS)
    cuts = [_single(rng, kind) for kind in kinds]
    for kind in _kinds(pairs, {"empty": 0.4, "dome": 0.3, "flank": 0.3}):
        cuts += _pair(rng, kind)
    return [Tile(next(ids), image_HW, mask_HW, _depth(rng, mask_HW)) for image_HW, mask_HW in cuts]


def _kinds(count: int, fractions: dict[Kind, float]) -> list[Kind]:
    """Exact numbers of each kind, to the nearest."""
    ends = np.rint(np.cumsum(list(fractions.values())) * count).astype(int)
    return [kind for kind, number in zip(fractions, np.diff(ends, prepend=0), strict=True) for _ in range(number)]


_Cut = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def _single(rng: np.random.Generator, kind: Kind) -> _Cut:
    while True:
        image_HW, mask_HW = section(rng, kind)
        if _as_meant(kind, mask_HW):
            return image_HW, mask_HW


def _pair(rng: np.random.Generator, kind: Kind) -> list[_Cut]:
    """Two tiles that are beside or above each other in one section."""
    side_by_side = bool(rng.random() < 0.5)
    while True:
        image_HW, mask_HW = section(rng, kind, *((SIDE, 2 * SIDE) if side_by_side else (2 * SIDE, SIDE)))
        axis = 1 if side_by_side else 0
        cuts = list(zip(np.split(image_HW, 2, axis), np.split(mask_HW, 2, axis), strict=True))
        if all(_as_meant(kind, mask_HW) for _, mask_HW in cuts):
            return cuts


def _as_meant(kind: Kind, mask_HW: npt.NDArray[np.uint8]) -> bool:
    """Whether the mask fits its kind: never full, with salt if the kind has salt, and more than a speck if ordinary."""
    area = int(mask_HW.sum())
    lowest = {"empty": 0, "black": 0, "tiny": 1}.get(kind, 33)
    return lowest <= area < SIDE * SIDE


def _depth(rng: np.random.Generator, mask_HW: npt.NDArray[np.uint8]) -> int:
    """50 to 959 ft; tiles with salt are slightly deeper."""
    return 50 + int(909 * rng.random() ** (0.8 if mask_HW.any() else 1.3) + 0.5)


def _tables(labelled: list[Tile], test: list[Tile]) -> list[tuple[str, bytes]]:
    runs = encode(np.stack([tile.mask for tile in labelled]))
    depths = sorted((tile.id, tile.depth) for tile in [*labelled, *test])
    tables = {
        "depths.csv": ["id,z", *(f"{name},{depth}" for name, depth in depths)],
        "sample_submission.csv": ["id,rle_mask", *(f"{tile.id},1 1" for tile in test)],
        "train.csv": ["id,rle_mask", *(f"{tile.id},{run}" for tile, run in zip(labelled, runs, strict=True))],
    }
    tables[SYNTHETIC] = ["This survey is synthetic. Scores on it mean nothing."]
    return [(name, ("\n".join(lines) + "\n").encode()) for name, lines in tables.items()]


def _train_files(tiles: list[Tile]) -> Iterator[tuple[str, bytes]]:
    for tile in tiles:
        yield f"images/{tile.id}.png", _png(np.repeat(tile.image[..., None], 3, axis=2))
    for tile in tiles:  # as in the original: 16 bits where there is salt, 8 where there is none
        deep = tile.mask.astype(np.uint16) * 65535
        yield f"masks/{tile.id}.png", _png(deep if tile.mask.any() else tile.mask)


def _test_files(tiles: list[Tile]) -> Iterator[tuple[str, bytes]]:
    for tile in tiles:
        yield f"images/{tile.id}.png", _png(np.repeat(tile.image[..., None], 3, axis=2))


def _png(pixels: npt.NDArray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Adds a member without the time of day, so that the same survey gives the same bytes."""
    archive.writestr(zipfile.ZipInfo(name, date_time=(2018, 7, 19, 0, 0, 0)), content)
