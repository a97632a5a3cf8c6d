"""`salt sweep --cluster`: starts a sweep as one run of a pipeline."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.options import follow, open_kfp
from salt_pipeline.pipelines.display.console import print_json

if TYPE_CHECKING:
    from salt_pipeline.pipelines.cluster.kfp import Kfp
    from salt_pipeline.pipelines.sweep.folder import SweepFolder


def start_sweep(planned: "SweepFolder", to_end: bool, as_json: bool) -> None:
    """Checks the cluster, starts a sweep there, and follows it if asked to.

    Args:
        planned: The sweep.
        to_end: Follow the run to its end, and print its table.
        as_json: Print one JSON object instead: the run, its link, and the results of a run that is followed.

    Raises:
        SaltError: If the cluster is not ready, rejects the sweep, or has no results of it in the end.
        typer.Exit: If the run is followed and does not succeed.
    """
    from salt_pipeline.pipelines.cluster.submit import check
    from salt_pipeline.pipelines.sweep.submit import submit_sweep

    kfp = open_kfp()
    checked = check(kfp, planned.data, planned.configs[0], len(planned.distinct_jobs()))
    for warning in checked.warnings:
        typer.echo(f"warning: {warning}", err=True)
    run_id = submit_sweep(kfp, checked, planned)
    started: dict[str, Any] = {"run": run_id, "link": kfp.settings.run_link(run_id)}
    if not as_json:
        typer.echo("\n".join(started.values()))
    if not to_end:
        words = f"{planned.run}; its table when it has ended: salt logs {run_id[:8]} compare-settings"
        typer.echo(words, err=True)
    try:
        if to_end:
            follow(kfp, run_id)
            results, table = _results(kfp, run_id)
            started |= results
            if not as_json:
                typer.echo(table)
    finally:  # a program gets the run's id also when the run fails
        if as_json:
            print_json(started)


def _results(kfp: "Kfp", run_id: str) -> tuple[dict[str, Any], str]:
    """The results of a sweep that has succeeded, as a document and as a table."""
    from salt_pipeline.components.core.files import read_json
    from salt_pipeline.pipelines.cluster.fetch import fetch

    with TemporaryDirectory() as scratch:
        _, missing = fetch(kfp, kfp.run(run_id), Path(scratch))
        if missing:
            raise SaltError("some results are missing", file=run_id, expected=", ".join(missing))
        return read_json(Path(scratch, "results.json")), Path(scratch, "results.md").read_text(encoding="utf-8")
