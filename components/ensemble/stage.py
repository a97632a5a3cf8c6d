"""Blends the maps of all jobs: the weighted mean over encoders, and over folds for test images."""

import json
import logging
import sys
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import track

from components.core.config import Config, parse_config
from components.core.jobs import Job
from components.core.schemas import MAPS, ROW_GROUP, pixels_to_array, table_writer
from components.ensemble.jobs import MapFile, common_hashes, find_jobs
from components.ensemble.mean import weighted_mean
from components.ensemble.merge import Stream, in_step, merged, read_rows

log = logging.getLogger(__name__)

Jobs = dict[Job, MapFile]


def blend(oof: list[str], maps: list[str], config: dict, *, blended_oof: str, blended_test: str) -> dict[str, str]:
    """Blends the out-of-fold and the test maps of all jobs.

    An out-of-fold map is the sum over encoders of weight x map; a test map, of weight x mean over folds. So is the
    probability of any salt. Maps are rounded once, at the end. A row group of each file is held at a time.

    Args:
        oof: Parquet files of schema `MAPS`, kind `oof`: one for each encoder and fold, in any order.
        maps: The same of kind `test`.
        config: The configuration.
        blended_oof: Where the blended out-of-fold maps are written.
        blended_test: Where the blended test maps are written.

    Returns:
        Facts of both outputs, as strings.

    Raises:
        SaltError: If a job is missing or doubled, files do not belong together, or their ids differ.
    """
    settings = parse_config(config)
    oof_jobs = find_jobs(oof, "oof", settings)
    test_jobs = find_jobs(maps, "test", settings)
    facts = {**common_hashes([*oof_jobs.values(), *test_jobs.values()]), "encoder": "ensemble"}

    folds = range(settings.split.folds)
    encoders = [encoder.name for encoder in settings.encoders]
    out_of_fold = [_out_of_fold(oof_jobs, encoder, folds) for encoder in encoders]
    held_out = sum(oof_jobs[encoders[0], fold].rows for fold in folds)
    _write(blended_oof, "oof", facts, _blend(out_of_fold, settings, 1), held_out)
    tests = [Stream(read_rows(file.path), file.path) for file in test_jobs.values()]
    _write(blended_test, "test", facts, _blend(tests, settings, len(folds)), test_jobs[encoders[0], 0].rows)
    return {**facts, "weights": json.dumps({encoder.name: encoder.weight for encoder in settings.encoders})}


def _out_of_fold(jobs: Jobs, encoder: str, folds: range) -> Stream:
    """All held-out maps of one encoder."""
    files = [jobs[encoder, fold].path for fold in folds]
    return Stream(merged([Stream(read_rows(path), path) for path in files]), f"the out-of-fold maps of {encoder}")


def _blend(streams: list[Stream], settings: Config, folds: int) -> Iterator[pa.Table]:
    """Blends streams, `folds` of each encoder in the order of the configuration, a row group at a time."""
    shares = [encoder.weight / folds for encoder in settings.encoders]
    for parts in in_step(streams):
        encoders = [parts[k : k + folds] for k in range(0, len(parts), folds)]
        map_BHW = weighted_mean(shares, [[part.map_BHW for part in of_one] for of_one in encoders])
        salt_EB = [np.sum([part.salt_B for part in of_one], axis=0, dtype=np.float64) for of_one in encoders]
        columns = {
            "id": parts[0].ids_B.tolist(),
            "map": pixels_to_array(map_BHW),
            "salt": (np.array(shares) @ np.array(salt_EB)).astype(np.float32),
        }
        yield pa.table(columns, schema=MAPS)


def _write(path: str, kind: str, facts: dict[str, str], tables: Iterator[pa.Table], rows: int) -> None:
    shown = track(
        tables,
        f"ensemble {kind}",
        total=-(-rows // ROW_GROUP),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    with table_writer(path, MAPS, {"kind": kind, **facts}) as writer:
        for table in shown:
            writer.write_table(table, row_group_size=ROW_GROUP)
    log.info("blended %d %s maps", rows, kind)
