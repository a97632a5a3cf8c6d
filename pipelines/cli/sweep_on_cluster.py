"""`salt sweep --cluster`: starts a sweep as one run of a pipeline."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.options import follow, open_kfp
from salt_pipeline.pipelines.display.console import print_json

if TYPE_CHECKING:
    from salt_pipeline.pipelines.sweep.settings import Setting


def submit_settings(
    data: str | None,
    preset: str,
    base: list[str],
    settings: list["Setting"],
    folds: list[int],
    seeds: list[int],
    to_end: bool,
    as_json: bool,
) -> None:
    """Checks the cluster, starts the sweep there, and follows it if asked to.

    Args:
        data: URI of the archive.
        preset: Name of the preset.
        base: The `--set` options that all settings have in common.
        settings: What is to be tried.
        folds: The folds to hold out; none for all.
        seeds: The seeds of the trainings; none for that of the configuration.
        to_end: Follow the run to its end, and print its table.
        as_json: Print one JSON object instead: the run, its link, and with `to_end` the results.

    Raises:
        SaltError: If something is missing or not valid.
        typer.Exit: If the run is followed and does not succeed.
    """
    from salt_pipeline.components.core.files import read_json
    from salt_pipeline.pipelines.cluster.fetch import fetch
    from salt_pipeline.pipelines.cluster.submit import check
    from salt_pipeline.pipelines.sweep.submit import plan_on_cluster, submit_sweep

    if data is None:
        raise SaltError("is missing", field="--data", expected="the archive in the object store, s3://bucket/key")
    planned = plan_on_cluster(data, preset, base, settings, folds, seeds)
    kfp = open_kfp()
    checked = check(kfp, data, planned.configs[0], len(planned.distinct_jobs()))
    for warning in checked.warnings:
        typer.echo(f"warning: {warning}", err=True)
    run_id = submit_sweep(kfp, checked, planned)
    started: dict[str, Any] = {"run": run_id, "link": kfp.settings.run_link(run_id)}
    if not as_json:
        typer.echo("\n".join(started.values()))
    if to_end:
        follow(kfp, run_id)
        with TemporaryDirectory() as scratch:
            fetch(kfp, kfp.run(run_id), Path(scratch))
            started |= read_json(Path(scratch, "results.json"))
            table = Path(scratch, "results.md").read_text(encoding="utf-8")
        if not as_json:
            typer.echo(table)
    else:
        words = f"{planned.run}; its table when it has ended: salt logs {run_id[:8]} compare-settings"
        typer.echo(words, err=True)
    if as_json:
        print_json(started)
