"""Reads a complete archive and checks that its parts agree."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from salt_pipeline.components.core.decode import LIMIT, decode_image, decode_mask
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.progress_bar import progress
from salt_pipeline.components.core.rle import decode
from salt_pipeline.components.ingest.archive import Entry, open_archive
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.tables import check_id, read_table, to_depth

_Pixels = npt.NDArray[np.uint8]

IMAGES, MASKS, TEST = "train/images", "train/masks", "test/images"
TABLES = {"train.csv": "rle_mask", "depths.csv": "z", "sample_submission.csv": "rle_mask"}
"""The csv files, and the column of each beside the id."""

SYNTHETIC = "SYNTHETIC.txt"
"""A file of this name marks a synthetic survey, so that no report presents its scores as results."""


@dataclass
class Survey:
    """All images of an archive, by id.

    Attributes:
        images: Grey levels (101, 101) of the labelled images.
        masks: Their masks (101, 101), 0 or 1.
        test: Grey levels (101, 101) of the test images.
        depths: Depths, ft.
        positions: Rows of the test images in sample_submission.csv, from 0.
        synthetic: Whether the archive is marked as synthetic.
    """

    images: dict[str, _Pixels] = field(default_factory=dict)
    masks: dict[str, _Pixels] = field(default_factory=dict)
    test: dict[str, _Pixels] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
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
        The images that could be read. Once the images that `problems` names are dropped, it is consistent.

    Raises:
        SaltError: If the archive cannot be read at all.
    """
    survey = Survey()
    with open_archive(data, problems) as entries:
        survey.synthetic = any(entry.path.name == SYNTHETIC for entry in entries)
        files, found = _locate(entries, problems)
        tables = _read_tables(found, problems)
        for part, what in ((IMAGES, "labelled"), (TEST, "test")):
            if not files[part]:
                problems.add(SaltError(f"no {what} image", file=data, expected=f"{part}/<id>.png"))
        _compare_ids(files, tables, problems)
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
    return survey


def _locate(entries: list[Entry], problems: Problems) -> tuple[dict[str, dict[str, Entry]], dict[str, Entry]]:
    """Finds the images by folder and id, and the tables by name, whatever their common folder is."""
    files: dict[str, dict[str, Entry]] = {IMAGES: {}, MASKS: {}, TEST: {}}
    tables: dict[str, Entry] = {}
    for entry in entries:
        part, path = "/".join(entry.path.parts[-3:-1]), entry.path
        if path.name in TABLES:
            if path.name in tables:
                problems.add(SaltError(f"is a duplicate of {tables[path.name].where}", file=entry.where))
            tables.setdefault(path.name, entry)
        elif part in files and path.suffix.lower() == ".png":
            try:
                check_id(path.stem, entry.where)
            except SaltError as error:
                problems.add(error)
                continue
            if path.stem in files[part]:
                problems.add(
                    SaltError(f"is a duplicate of {files[part][path.stem].where}", file=entry.where), path.stem
                )
            files[part].setdefault(path.stem, entry)
    return files, tables


def _read_tables(found: dict[str, Entry], problems: Problems) -> dict[str, dict[str, str]]:
    tables = {}
    for name, column in TABLES.items():
        if name not in found:
            problems.add(SaltError("is missing", file=name))
        elif (table := read_table(found[name], column, problems)) is not None:
            tables[name] = table
    return tables


def _compare_ids(files: dict[str, dict[str, Entry]], tables: dict[str, dict[str, str]], problems: Problems) -> None:
    """Checks that the same ids are in the folders and in the tables; a missing table was reported already."""
    images, masks, test = files[IMAGES], files[MASKS], files[TEST]
    train, sample, depths = (tables.get(name) for name in ("train.csv", "sample_submission.csv", "depths.csv"))

    def report(ids: Collection[str], problem: str, where: dict[str, Entry] | str) -> None:
        for image_id in sorted(ids):
            named = f"{where}, id {image_id}" if isinstance(where, str) else where[image_id].where
            problems.add(SaltError(problem, file=named), image_id)

    report(images.keys() - masks.keys(), "image without a mask", images)
    report(masks.keys() - images.keys(), "mask without an image", masks)
    report(images.keys() & test.keys(), "is a labelled image and a test image", test)
    if train is not None:
        report(images.keys() - train.keys(), "image without a row in train.csv", images)
        report(train.keys() - images.keys(), "row without an image", "train.csv")
    if sample is not None:
        report(test.keys() - sample.keys(), "image without a row in sample_submission.csv", test)
        report(sample.keys() - test.keys(), "row without an image", "sample_submission.csv")
    if depths is not None:
        report(images.keys() - depths.keys(), "image without a row in depths.csv", images)
        report(test.keys() - depths.keys() - images.keys(), "image without a row in depths.csv", test)
        report(depths.keys() - images.keys() - test.keys(), "row without an image", "depths.csv")


def _check_masks(survey: Survey, train: dict[str, str] | None, files: dict[str, Entry], problems: Problems) -> None:
    """Compares masks with the run-lengths in train.csv."""
    for image_id, rle in (train or {}).items():
        try:
            decoded_HW = decode(rle)
        except SaltError as error:
            problems.add(SaltError(str(error), file="train.csv", field=image_id), image_id)
            continue
        mask_HW = survey.masks.get(image_id)
        if mask_HW is not None and (differing := int((mask_HW != decoded_HW).sum())):
            found = f"{differing} differing pixels"
            problems.add(SaltError("mask contradicts train.csv", file=files[image_id].where, found=found), image_id)


def _read_depths(survey: Survey, depths: dict[str, str] | None, found: dict[str, Entry], problems: Problems) -> None:
    for image_id, text in (depths or {}).items():
        if image_id in survey.images or image_id in survey.test:
            try:
                survey.depths[image_id] = to_depth(text, image_id, found["depths.csv"].where)
            except SaltError as error:
                problems.add(error, image_id)
