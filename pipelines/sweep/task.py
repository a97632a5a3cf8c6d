"""The last task of a sweep on a cluster: it puts the maps of all jobs into the folder of a sweep, and compares them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kfp.dsl import Artifact

from salt_pipeline.components.core.artifacts import describe
from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.documents import parse_document
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import atomic_path, read_json, write_json
from salt_pipeline.components.core.paired import read_truth
from salt_pipeline.pipelines.presets import changed
from salt_pipeline.pipelines.sweep.folder import Results, SweepFolder
from salt_pipeline.pipelines.sweep.job import METRICS
from salt_pipeline.pipelines.sweep.records import Records
from salt_pipeline.pipelines.sweep.results import results, summary

log = logging.getLogger(__name__)


@exit_on_error()
def compare_task(
    dataset: Artifact,
    config: Artifact,
    oofs: Sequence[Artifact],
    curves: Sequence[Artifact],
    sweep: Mapping[str, Any],
    kfp_run: str,
    comparison: Artifact,
    table: Artifact,
) -> None:
    """Compares the settings and records them in MLflow.

    Args:
        dataset: The images.
        config: The configuration document of the first setting.
        oofs: The out-of-fold maps of the jobs, in the order of the loop.
        curves: Their learning curves, in the same order.
        sweep: What the sweep tries, as `sweep_parameters` wrote it.
        kfp_run: Id of the run in Kubeflow Pipelines.
        comparison: Output: the results, as the results.json of a sweep on one machine.
        table: Output: the paired table.
    """
    with TemporaryDirectory() as scratch:
        folder = _folder(sweep, config.path, Path(scratch), kfp_run)
        _place(folder, [oof.path for oof in oofs], [curve.path for curve in curves])
        names = [setting.name for setting in folder.settings]
        found = results(names, folder.jobs(), read_truth(Path(dataset.path)))
        records = Records(folder)
        records.finish(found)
        records.close()
    lines = list(summary(found))
    for line in lines:
        log.info("%s", line)
    write_json(comparison.path, Results(settings=tuple(found)).model_dump(mode="json"))
    with atomic_path(table.path) as part:
        part.write_text("\n".join(_paragraphs(lines)), encoding="utf-8")
    describe(comparison, "sweep results")
    describe(table, "sweep table")


def _folder(sweep: Mapping[str, Any], config: str, path: Path, kfp_run: str) -> SweepFolder:
    """The sweep, with a folder on this machine."""
    first = parse_config(read_json(config), config)
    settings = [
        {"changes": changes, "config": changed(first, changes).model_dump(mode="json")} for changes in sweep["settings"]
    ]
    origin = {**sweep["origin"], "kfp_run": kfp_run}
    return parse_document(SweepFolder, {**sweep, "path": path, "settings": settings, "origin": origin}, "sweep")


def _place(folder: SweepFolder, oofs: Sequence[str], curves: Sequence[str]) -> None:
    """Puts the outputs of the jobs where a sweep on one machine has them."""
    for job, oof, curve in zip(folder.distinct_jobs(), oofs, curves, strict=True):
        job.folder.mkdir(parents=True)
        job.oof.symlink_to(oof)
        (job.folder / "curve.json").symlink_to(curve)
        write_json(job.folder / METRICS, {"training_seconds": read_json(curve)["seconds"]})


def _paragraphs(lines: Sequence[str]) -> list[str]:
    """The lines of a table, then each sentence after an empty line."""
    return [line if line.startswith("|") else f"\n{line}" for line in lines]
