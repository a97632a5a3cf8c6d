"""Blends the maps of all jobs: the weighted mean over encoders, and over folds for test images."""

import json
import logging
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.labelled import check_facts, read_labelled
from salt_pipeline.components.core.progress_bar import progress
from salt_pipeline.components.core.schemas import (
    MAPS,
    ROW_GROUP,
    array_to_pixels,
    pixels_to_array,
    table_writer,
)
from salt_pipeline.components.ensemble.jobs import common_hashes, find_jobs
from salt_pipeline.components.ensemble.mean import blend_rows
from salt_pipeline.components.ensemble.merge import MapRows, Stream, in_step, merged, read_in_step
from salt_pipeline.components.ensemble.weights import learn_weights

log = logging.getLogger(__name__)


def blend(
    dataset: str, oof: list[str], maps: list[str], config: dict, *, blended_oof: str, blended_test: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Blends the out-of-fold and the test maps of all jobs.

    An out-of-fold map is the sum over encoders of weight x map; a test map is the sum of weight x mean over folds. The
    probability that an image holds any salt is blended in the same way. Maps are rounded once, at the end. One row
    group of each file is held at a time.

    If `ensemble.weights` is `learned`, test maps are blended by the weights that score best on all out-of-fold maps,
    and the out-of-fold maps of a fold by the weights that score best on the other folds.

    Args:
        dataset: Parquet file of schema `DATASET`; its masks are read where weights are learned.
        oof: Parquet files of schema `MAPS`, kind `oof`: one for each encoder and fold, in any order.
        maps: The same of kind `test`.
        config: The configuration.
        blended_oof: Where the blended out-of-fold maps are written.
        blended_test: Where the blended test maps are written.

    Returns:
        Facts of both outputs, as strings.

    Raises:
        SaltError: If a job is missing or duplicate, files do not belong together, or their ids differ.
    """
    settings = parse_config(config)
    oof_jobs = find_jobs(oof, "oof", settings)
    test_jobs = find_jobs(maps, "test", settings)
    facts = {**common_hashes([*oof_jobs.values(), *test_jobs.values()]), "encoder": "ensemble"}

    folds = range(settings.split.folds)
    names = [encoder.name for encoder in settings.encoders]
    oof_paths = [[oof_jobs[Job(name, fold)].path for name in names] for fold in folds]
    if settings.ensemble.weights == "learned":
        shown = progress(oof_paths, "learning weights")
        masks = _masks(dataset, facts["data_hash"])
        *by_fold, final = learn_weights(map(read_in_step, shown), masks, len(names))
        log.info("learned weights: %s", ", ".join(f"{n} {w:g}" for n, w in zip(names, final, strict=True)))
    else:
        final = tuple(encoder.weight for encoder in settings.encoders)
        by_fold = [final] * len(folds)

    parts = [
        Stream(blend_rows(read_in_step(paths), weights, 1), paths[0])
        for paths, weights in zip(oof_paths, by_fold, strict=True)
    ]
    oof_weights = dict(zip(names, zip(*by_fold, strict=True), strict=True))
    oof_facts = {"kind": "oof", **facts, "weights": json.dumps(oof_weights)}
    _write(blended_oof, oof_facts, merged(parts), sum(oof_jobs[Job(names[0], fold)].rows for fold in folds))
    test_paths = [test_jobs[Job(name, fold)].path for name in names for fold in folds]
    tests = blend_rows(read_in_step(test_paths), final, len(folds))
    test_facts = {"kind": "test", **facts, "weights": json.dumps(dict(zip(names, final, strict=True)))}
    _write(blended_test, test_facts, tests, test_jobs[Job(names[0], 0)].rows)
    return oof_facts, test_facts


def _masks(dataset: str, data_hash: str) -> dict[str, NDArray[np.uint8]]:
    """Reads the true mask of each labelled image, from the data that the maps were made from."""
    rows, facts = read_labelled(dataset, ["id", "mask"])
    check_facts(dataset, facts, {"data_hash": data_hash})
    return dict(zip(rows["id"].to_pylist(), array_to_pixels(rows["mask"]), strict=True))


def _write(path: str, facts: dict[str, str], blended: Iterator[MapRows], rows: int) -> None:
    parts = in_step([Stream(blended, path)])
    with table_writer(path, MAPS, facts) as writer:
        for (part,) in progress(parts, f"ensemble {facts['kind']}", -(-rows // ROW_GROUP)):
            columns = {"id": part.ids_B.tolist(), "map": pixels_to_array(part.map_BHW), "salt": part.salt_B}
            writer.write_table(pa.table(columns, schema=MAPS), row_group_size=ROW_GROUP)
    log.info("blended %d %s maps", rows, facts["kind"])
