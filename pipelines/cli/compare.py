"""`salt compare`: the differences between runs in configuration, in scores and image by image."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.table import Table

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.stage_options import AsJson
from salt_pipeline.pipelines.display.console import cell, echo, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: `salt compare runs/first runs/second --out compare.html`")(compare)


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN", help="Folders, or names that `salt runs` shows.")],
    dataset: Annotated[
        Path | None, typer.Option(help="dataset.parquet; needed if no RUN is a folder that contains it.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The page with the images that changed most.")] = Path(
        "compare.html"
    ),
    as_json: AsJson = False,
) -> None:
    """Compares runs on the same data, the others with the first, paired by image."""
    from salt_pipeline.components.core.paired import masks_of, pair, read_truth
    from salt_pipeline.pipelines.compare.page import write_page
    from salt_pipeline.pipelines.compare.runs import differing, open_finished

    if len(runs) < 2:
        raise SaltError("takes two runs or more", field="RUN", found=runs[0])
    with TemporaryDirectory() as scratch:
        found = [open_finished(run, Path(scratch)) for run in runs]
        truth = read_truth(dataset or dataset_of(runs))
        masks = [masks_of(run, truth) for run in found]
    pairs = [pair(run.name, masks[0].score_B, other.score_B) for run, other in zip(found[1:], masks[1:], strict=True)]
    options = differing(found)
    write_page(out, found, truth, masks, pairs, options)
    if as_json:
        print_json(
            {
                "runs": [{"run": run.name, "metrics": run.metrics.model_dump(mode="json")} for run in found],
                "differing_options": options,
                "pairs": [asdict(one) for one in pairs],
                "page": str(out),
            }
        )
        return
    if options:
        print_table(_table("option", [run.name for run in found], options))
    else:
        echo("the same configuration")
    results: dict[str, list[Any]] = {
        "score": [f"{run.metrics.ensemble.score:.4f}" for run in found],
        "95 % interval": ["{:.3f} to {:.3f}".format(*run.metrics.ensemble.score_interval) for run in found],
        "salt / no salt": [f"{run.metrics.ensemble.salt_accuracy:.1%}" for run in found],
        "threshold": [f"{run.metrics.threshold:.3f}" for run in found],
        "smallest area, px": [run.metrics.min_area for run in found],
    }
    print_table(_table("result", [run.name for run in found], results))
    for one in pairs:
        echo(
            f"{one.name} against {found[0].name}: {one.mean:+.4f} (95 % interval {one.low:+.4f} to {one.high:+.4f}); "
            f"of {len(truth.ids):,} images {one.won:,} won, {one.lost:,} lost, {one.tied:,} tied"
        )
    echo(out)


def dataset_of(runs: list[str]) -> Path:
    """The images of the first run that is a folder.

    Raises:
        SaltError: If none is.
    """
    places = [Path(run, "ingest/dataset.parquet") for run in runs]
    known = next((place for place in places if place.is_file()), None)
    if known is None:
        raise SaltError("is missing: no RUN is a folder that contains the images", field="--dataset")
    return known


def _table(what: str, names: list[str], rows: dict[str, list[Any]]) -> Table:
    from salt_pipeline.components.core.config.config import option_text

    table = Table(what, *map(cell, names), box=None)
    for row, values in rows.items():
        table.add_row(row, *(cell(option_text(value)) for value in values))
    return table
