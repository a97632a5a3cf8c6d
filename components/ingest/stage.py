"""Reads the competition's archive and writes it as one Parquet file."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.dataset import ContentHash
from salt_pipeline.components.core.errors import SaltError, SaltErrors, one_line
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
    found = ContentHash()
    for rows in _row_groups(survey):
        found.add(rows)
    facts = {
        "data_hash": str(found),
        "source": one_line(Path(data).name),
        "dropped": json.dumps(dropped),
        "synthetic": json.dumps(survey.synthetic),
    }
    with table_writer(dataset, DATASET, facts) as writer:
        for rows in _row_groups(survey):
            writer.write_table(rows, row_group_size=ROW_GROUP)
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


def _row_groups(survey: Survey) -> Iterator[pa.Table]:
    """The rows of the dataset, sorted by id."""
    images = survey.images | survey.test
    ids = sorted(images)
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
        yield pa.table(columns, schema=DATASET)


def _warn(counts: dict[str, int], dropped: dict[str, str]) -> None:
    log.info("%s", ", ".join(f"{name.replace('_', ' ')}: {number:,}" for name, number in counts.items()))
    if dropped:
        log.warning("%s images dropped, the first for: %s", f"{len(dropped):,}", next(iter(dropped.values())))
    if counts["empty_masks"] == counts["labelled"]:
        log.warning("no labelled image holds any salt: a network can only learn to find none")
    if not counts["empty_masks"]:
        log.warning("every labelled image holds salt: a network cannot learn to find none")
