"""Reads a complete archive and checks that its parts agree."""

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from salt_pipeline.components.core.decode import LIMIT, decode_image, decode_mask
from salt_pipeline.components.core.errors import Facts, SaltError
from salt_pipeline.components.core.progress_bar import progress
from salt_pipeline.components.core.rle import decode
from salt_pipeline.components.ingest.archive import check_total, open_archive
from salt_pipeline.components.ingest.entry import Entry
from salt_pipeline.components.ingest.layout import IMAGES, MASKS, SYNTHETIC, TABLES, TEST
from salt_pipeline.components.ingest.parts import check_parts, compare_ids, locate
from salt_pipeline.components.ingest.problems import Problems, TooManyProblems
from salt_pipeline.components.ingest.tables import read_table, to_depth

_Pixels = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)


@dataclass
class Survey:
    """All images of an archive, by id.

    Attributes:
        images: Grey levels (101, 101) of the labelled images.
        masks: Their masks (101, 101), 0 or 1.
        test: Grey levels (101, 101) of the test images.
        depths: Depths, ft; None without depths.csv.
        positions: Rows of the test images in sample_submission.csv, from 0; none without that file.
        without_test: Whether the archive has no test image and names none.
        synthetic: Whether the archive is marked as synthetic.
    """

    images: dict[str, _Pixels] = field(default_factory=dict)
    masks: dict[str, _Pixels] = field(default_factory=dict)
    test: dict[str, _Pixels] = field(default_factory=dict)
    depths: dict[str, int | None] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    without_test: bool = False
    synthetic: bool = False

    def drop(self, ids: Collection[str]) -> None:
        """Removes images."""
        parts: tuple[dict[str, Any], ...] = (self.images, self.masks, self.test, self.depths, self.positions)
        for part in parts:
            for image_id in ids:
                part.pop(image_id, None)

    def counts(self) -> dict[str, int]:
        """Numbers of labelled and test images, of masks without salt, and of black images."""
        return {
            "labelled": len(self.images),
            "test": len(self.test),
            "empty_masks": sum(not mask_HW.any() for mask_HW in self.masks.values()),
            "black_images": sum(not image_HW.any() for image_HW in [*self.images.values(), *self.test.values()]),
        }


def read_survey(data: str, problems: Problems) -> Survey:
    """Reads every image, mask and table of an archive.

    Args:
        data: The competition's zip of zips, a flat zip, or a folder; or the s3:// URI of a zip.
        problems: Collects every problem.

    Returns:
        The images that could be read. Once the images that `problems` names are dropped, it is consistent, unless
        a problem concerns the entire archive.

    Raises:
        SaltError: If the archive cannot be read at all.
    """
    survey = Survey()
    with suppress(TooManyProblems):
        _read_into(survey, data, problems)
    return survey


def _read_into(survey: Survey, data: str, problems: Problems) -> None:
    with open_archive(data, problems) as entries:
        survey.synthetic = any(entry.path.name == SYNTHETIC for entry in entries)
        files, found = locate(entries, problems)
        check_total([*found.values(), *(entry for part in files.values() for entry in part.values())], data)
        tables = _read_tables(found, problems)
        survey.without_test = not files[TEST] and "sample_submission.csv" not in found
        if files[IMAGES]:
            _log_missing(found, survey.without_test)
        check_parts(entries, [IMAGES, MASKS] if survey.without_test else [IMAGES, MASKS, TEST], data, problems)
        compare_ids(files, tables, problems)
        order = {id(entry): row for row, entry in enumerate(entries)}
        work = [(part, image_id, entry) for part in files for image_id, entry in files[part].items()]
        work.sort(key=lambda item: order[id(item[2])])  # seeking backwards in an inner zip is slow
        into = {IMAGES: survey.images, MASKS: survey.masks, TEST: survey.test}
        for part, image_id, entry in progress(work, "reading images"):
            decoder: Callable[[bytes, str], _Pixels] = decode_mask if part == MASKS else decode_image
            try:
                into[part][image_id] = decoder(entry.read(LIMIT), entry.where)
            except SaltError as error:
                problems.add(error, image_id)
    _check_masks(survey, tables.get("train.csv"), files[MASKS], problems)
    _read_depths(survey, tables.get("depths.csv"), found, problems)
    sample = tables.get("sample_submission.csv") or {}
    survey.positions = {image_id: row for row, image_id in enumerate(sample) if image_id in survey.test}


def _log_missing(found: dict[str, Entry], without_test: bool) -> None:
    """Logs which optional parts the archive does not have, and what follows."""
    without = {name: without for name, (_, without) in TABLES.items() if name not in found}
    if without_test:
        without |= {"sample_submission.csv, test/images": "there is no test image, and the submission will be empty"}
        del without["sample_submission.csv"]
    for name, consequence in without.items():
        log.warning("not in the archive: %s: %s", name, consequence)


def _read_tables(found: dict[str, Entry], problems: Problems) -> dict[str, dict[str, str]]:
    tables = {}
    for name, (column, _) in TABLES.items():
        if name in found and (table := read_table(found[name], column, problems)) is not None:
            tables[name] = table
    return tables


def _check_masks(survey: Survey, train: dict[str, str] | None, files: dict[str, Entry], problems: Problems) -> None:
    """Compares masks with the run-lengths in train.csv."""
    for image_id, rle in (train or {}).items():
        try:
            decoded_HW = decode(rle)
        except SaltError as error:
            field = f"{image_id}: {error.field}"
            parts = Facts(file="train.csv", field=field, found=error.found, expected=error.expected)
            problems.add(SaltError(error.problem, **parts), image_id)
            continue
        mask_HW = survey.masks.get(image_id)
        if mask_HW is not None and (differing := int((mask_HW != decoded_HW).sum())):
            found = f"{differing} differing pixels"
            problems.add(SaltError("mask contradicts train.csv", file=files[image_id].where, found=found), image_id)


def _read_depths(survey: Survey, depths: dict[str, str] | None, found: dict[str, Entry], problems: Problems) -> None:
    if "depths.csv" not in found:
        survey.depths = dict.fromkeys([*survey.images, *survey.test])
    for image_id, text in (depths or {}).items():
        if image_id in survey.images or image_id in survey.test:
            try:
                survey.depths[image_id] = to_depth(text, image_id, found["depths.csv"].where)
            except SaltError as error:
                problems.add(error, image_id)
