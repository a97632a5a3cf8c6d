"""Submission files, checked and scored as Kaggle would."""

import io
from collections.abc import Iterable
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.csv_table import LIMIT, Row, header_error, read_csv
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.grouped import grouped, listed
from salt_pipeline.components.core.metric import score_images
from salt_pipeline.components.core.passed_over import is_passed_over
from salt_pipeline.components.core.regular_file import read_regular
from salt_pipeline.components.core.rle import decode, runs
from salt_pipeline.components.core.schemas import SIDE

HEADER = ["id", "rle_mask"]

MOST = 25_000
"""Most problems that are collected, before those of one cause are merged; the real submission has 18,000 rows."""

_KINDS = {"LA": "grey with transparency", "P": "a palette", "RGBA": "colours with transparency"}
"""What an image is that is not grey, by the imaging library's mode; any other has colours."""


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
    pictures = (file for file in sorted(folder.glob("*")) if file.suffix.lower() == ".png")
    files: dict[str, Path] = {}
    for file in pictures:
        if is_passed_over(PurePath(file.name)):
            continue
        if files.setdefault(file.stem, file) is not file:
            raise SaltError("is a second mask of this id", file=file, found=files[file.stem])
    if not files:
        raise SaltError("holds no masks", file=folder, expected="<id>.png files")
    rle_by_id, problems = _read(path, files)
    if problems:
        raise SaltErrors(f"{path} does not match the masks in {folder}", problems)
    total = sum(
        score_images(decode(rle_by_id[image])[None], _read_mask(mask)[None], threshold=0.0).item()
        for image, mask in files.items()
    )
    return total / len(files), len(files)


def _read(path: str | Path, ids: Iterable[str]) -> tuple[dict[str, str], list[SaltError]]:
    """Reads the run lengths by id, and all problems."""
    where = str(path)
    rle_by_id: dict[str, str] = {}
    problems: list[SaltError] = []
    wanted = dict.fromkeys(ids)
    unknown: list[str] = []
    try:
        rows = read_csv(read_regular(path, LIMIT), where)
        header = next(rows, Row(1, [])).fields
        if len(header) != 2:  # the rows have other columns too, which is no further problem
            raise header_error(header, HEADER, where)
        if header != HEADER:
            problems.append(header_error(header, HEADER, where))
        for line, fields in rows:
            if len(problems) >= MOST:
                problems.append(SaltError(f"after {MOST:,} problems, the rest is not checked", file=where))
                break
            place = f"line {line}"
            if len(fields) != 2:
                found = f"{len(fields)} columns"
                problems.append(SaltError("is not an id and a mask", file=where, field=place, found=found))
                continue
            image, rle = fields
            if image in rle_by_id:
                problems.append(SaltError("duplicate id", file=where, field=place, found=image))
            elif image not in wanted:
                unknown.append(image)
            rle_by_id[image] = rle
            problems += _rle_problem(rle, where, f"{place}: {image}")
    except SaltError as error:
        problems.append(error)
    else:
        missing = [image for image in wanted if image not in rle_by_id]
        problems += _ids_problem("is missing", missing, where) + _ids_problem("is unknown", unknown, where)
    return rle_by_id, grouped(problems)


def _rle_problem(rle: str, where: str, place: str) -> list[SaltError]:
    try:
        runs(rle)
    except SaltError as error:
        field = f"{place}: {error.field}"
        return [SaltError(error.problem, file=where, field=field, found=error.found, expected=error.expected)]
    return []


def _ids_problem(problem: str, ids: list[str], where: str) -> list[SaltError]:
    if not ids:
        return []
    return [SaltError(f"id {listed(ids)} {problem}", file=where)]


def _read_mask(file: Path) -> NDArray[np.uint8]:
    """Reads one mask as 0 and 1; it checks the size before it decodes any pixel."""
    from PIL import Image

    from salt_pipeline.components.core.decode import LIMIT as MASK_LIMIT

    try:
        with Image.open(io.BytesIO(read_regular(file, MASK_LIMIT)), formats=["PNG"]) as image:
            if image.size != (SIDE, SIDE):
                width, height = image.size
                raise SaltError("wrong size", file=file, found=f"{width} x {height}", expected=f"{SIDE} x {SIDE}")
            if image.mode not in {"1", "L", "I", "I;16"}:
                found = _KINDS.get(image.mode, "colours")
                raise SaltError("is not a grey image", file=file, found=found, expected="8-bit or 16-bit grey")
            return (np.asarray(image) > 0).astype(np.uint8)
    except SaltError:
        raise
    except Exception as error:  # a damaged PNG makes Pillow raise errors of many types
        raise SaltError("is not a PNG file, or is damaged", file=file, found=error) from error
