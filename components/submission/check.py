"""Submission files, checked and scored as Kaggle would."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.metric import score_images
from salt_pipeline.components.core.rle import decode, runs
from salt_pipeline.components.core.schemas import SIDE

HEADER = ["id", "rle_mask"]


def check_submission(path: str | Path, ids: Iterable[str]) -> list[SaltError]:
    """Finds everything that Kaggle would refuse.

    Args:
        path: The csv file.
        ids: The test ids; each must have exactly one row.

    Returns:
        All problems found: an unreadable file, a wrong header, rows that are not an id and a mask, duplicate, missing
        or unknown ids, run lengths that are not sorted pairs inside the image with a gap between them.
    """
    return _read(path, ids)[1]


def score_csv(path: str | Path, masks: str | Path) -> tuple[float, int]:
    """Scores a submission by true masks.

    Args:
        path: The csv file.
        masks: Folder of `<id>.png`, 8 or 16 bit grey, where every level above 0 is salt; one for each row.

    Returns:
        The metric, and the number of images.

    Raises:
        SaltError: If the file or a mask is not valid, or not every row has a mask and every mask a row.
    """
    folder = Path(masks)
    files = {file.stem: file for file in sorted(folder.glob("*.png"))}
    if not files:
        raise SaltError("holds no masks", file=folder, expected="<id>.png files")
    rle_by_id, problems = _read(path, files)
    if problems:
        raise SaltErrors(f"{path} does not match the masks in {folder}", problems)
    total = sum(
        score_images(decode(rle_by_id[image])[None], _read_mask(file)[None], threshold=0.0).item()
        for image, file in files.items()
    )
    return total / len(files), len(files)


def _read(path: str | Path, ids: Iterable[str]) -> tuple[dict[str, str], list[SaltError]]:
    """Reads the run lengths by id, and all problems."""
    rle_by_id: dict[str, str] = {}
    problems: list[SaltError] = []
    wanted = dict.fromkeys(ids)
    unknown: list[str] = []
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            if header != HEADER:
                problems.append(
                    SaltError("wrong header", file=path, found=",".join(header) or "none", expected=",".join(HEADER))
                )
            for row in rows:
                place = f"line {rows.line_num}"
                if len(row) != 2:
                    problems.append(
                        SaltError("is not an id and a mask", file=path, field=place, found=f"{len(row)} columns")
                    )
                    continue
                image, rle = row
                if image in rle_by_id:
                    problems.append(SaltError("duplicate id", file=path, field=place, found=image))
                elif image not in wanted:
                    unknown.append(image)
                rle_by_id[image] = rle
                try:
                    runs(rle)
                except SaltError as error:
                    problems.append(SaltError(str(error), file=path, field=f"{place}: {image}"))
    except OSError as error:
        problems.append(SaltError(f"cannot be read: {error.strerror}", file=path))
    except (UnicodeDecodeError, csv.Error) as error:
        problems.append(SaltError("is not a csv file", file=path, found=error))
    else:
        missing = [image for image in wanted if image not in rle_by_id]
        problems += _ids_problem("is missing", missing, path) + _ids_problem("is unknown", unknown, path)
    return rle_by_id, problems


def _ids_problem(problem: str, ids: list[str], path: str | Path) -> list[SaltError]:
    if not ids:
        return []
    others = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
    return [SaltError(f"id {ids[0]}{others} {problem}", file=path)]


def _read_mask(file: Path) -> NDArray[np.uint8]:
    """Reads one mask as 0 and 1; it checks the size before it decodes any pixel."""
    from PIL import Image

    try:
        with Image.open(file, formats=["PNG"]) as image:
            if image.size != (SIDE, SIDE):
                width, height = image.size
                raise SaltError("wrong size", file=file, found=f"{width} x {height}", expected=f"{SIDE} x {SIDE}")
            if image.mode not in {"1", "L", "I", "I;16"}:
                raise SaltError("is not a grey image", file=file, found=image.mode)
            return (np.asarray(image) > 0).astype(np.uint8)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise SaltError("is not a PNG file, or is damaged", file=file, found=error) from error
