"""Reads the competition's archive and writes it as one Parquet file."""

import hashlib
import json
import logging
from pathlib import Path

import pyarrow as pa

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.schemas import DATASET, ROW_GROUP, table_writer
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.survey import Survey, read_survey

log = logging.getLogger(__name__)


def ingest(data: str, config: dict, dataset: str) -> dict[str, str]:
    """Reads and checks an archive and writes the dataset.

    Args:
        data: The competition's zip of zips, a flat zip, or a folder; or the s3:// URI of a zip.
        config: The configuration; `data.on_bad` says whether a problem stops the run or drops the images it names.
        dataset: The Parquet file to write, of schema `DATASET`.

    Returns:
        Facts about it: `data_hash`, `source`, `labelled`, `test`, `empty_masks`, `black_images`,
        `synthetic` (true or false) and `dropped` (a number; the file's metadata says which and why).

    Raises:
        SaltErrors: With every problem of the archive, if it is to stop or dropping images does not fix them.
        SaltError: If the archive cannot be read at all, or the file cannot be written.
    """
    on_bad = parse_config(config).data.on_bad
    problems = Problems()
    survey = read_survey(data, problems)
    if problems.errors and (on_bad == "stop" or problems.of_archive):
        raise problems.as_error(data)
    dropped = problems.reasons()
    survey.drop(dropped)
    counts = survey.counts()
    if not counts["labelled"] or not (counts["test"] or survey.without_test):
        raise SaltErrors(f"{data}: no labelled or no test image remains", problems.as_error(data).problems)
    _warn(counts, dropped)
    facts = {
        "data_hash": data_hash(survey),
        "source": Path(data).name,
        "dropped": json.dumps(dropped),
        "synthetic": json.dumps(survey.synthetic),
    }
    _write(survey, dataset, facts)
    return facts | {name: str(number) for name, number in (counts | {"dropped": len(dropped)}).items()}


def check_data(data: str) -> tuple[dict[str, int], list[SaltError]]:
    """Checks an archive without writing anything.

    Args:
        data: The competition's zip of zips, a flat zip, or a folder; or the s3:// URI of a zip.

    Returns:
        Counts (`labelled`, `test`, `empty_masks`, `black_images`) of what could be read, none of an archive that cannot
        be opened, and every problem found, one per cause.
    """
    problems = Problems()
    try:
        counts = read_survey(data, problems).counts()
    except SaltErrors as error:
        return {}, [*problems.errors, *error.problems]
    except SaltError as error:
        return {}, [*problems.errors, error]
    return counts, problems.errors


def read_test_ids(data: str) -> list[str]:
    """Reads the ids a submission must have, in the sample's order; sorted if there is no sample.

    Raises:
        SaltErrors: If the archive has any problem.
    """
    problems = Problems()
    survey = read_survey(data, problems)
    if problems.errors:
        raise problems.as_error(data)
    return sorted(survey.test, key=lambda image_id: (survey.positions.get(image_id, 0), image_id))


def data_hash(survey: Survey) -> str:
    """Hashes the contents of a survey, independently of the kind of archive.

    Returns:
        The first 16 hex digits of a SHA-256 over id, labelled, depth, image and mask of every image, sorted by id.
    """
    digest = hashlib.sha256()
    images = survey.images | survey.test
    for image_id in sorted(images):
        mask_HW = survey.masks.get(image_id)
        digest.update(f"{image_id}\0{mask_HW is not None:d}\0{survey.depths[image_id]}\0".encode())
        digest.update(images[image_id].tobytes())
        if mask_HW is not None:
            digest.update(mask_HW.tobytes())
    return digest.hexdigest()[:16]


def _write(survey: Survey, dataset: str, metadata: dict[str, str]) -> None:
    images = survey.images | survey.test
    ids = sorted(images)
    with table_writer(dataset, DATASET, metadata) as writer:
        for start in range(0, len(ids), ROW_GROUP):
            rows = ids[start : start + ROW_GROUP]
            masks = [survey.masks.get(image_id) for image_id in rows]
            columns = {
                "id": rows,
                "labelled": [mask_HW is not None for mask_HW in masks],
                "image": [images[image_id].tobytes() for image_id in rows],
                "mask": [None if mask_HW is None else mask_HW.tobytes() for mask_HW in masks],
                "depth": [survey.depths[image_id] for image_id in rows],
                "position": [survey.positions.get(image_id) for image_id in rows],
            }
            writer.write_table(pa.table(columns, schema=DATASET), row_group_size=ROW_GROUP)


def _warn(counts: dict[str, int], dropped: dict[str, str]) -> None:
    log.info("%s", ", ".join(f"{name.replace('_', ' ')}: {number:,}" for name, number in counts.items()))
    if dropped:
        log.warning("%s images dropped, the first for: %s", f"{len(dropped):,}", next(iter(dropped.values())))
    if counts["empty_masks"] == counts["labelled"]:
        log.warning("no labelled image holds any salt: a network can only learn to find none")
    if not counts["empty_masks"]:
        log.warning("every labelled image holds salt: a network cannot learn to find none")
