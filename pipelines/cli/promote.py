"""`salt promote`: makes the registered model of a run the champion if it is better."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from salt_pipeline.pipelines.cli.compare import dataset_of


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: `salt promote runs/second`")(promote)


def promote(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder, or a name that `salt runs` shows.")],
    dataset: Annotated[
        Path | None, typer.Option(help="dataset.parquet; needed if RUN is no folder that contains it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it the champion in any case.")] = False,
) -> None:
    """Makes the model of a run the champion, models:/salt@champion, if it is better image by image."""
    from salt_pipeline.components.core.paired import read_truth
    from salt_pipeline.components.report.promotion import apply, decide, registered
    from salt_pipeline.pipelines.compare.runs import open_finished
    from salt_pipeline.pipelines.compare.tracked import HOME, MlflowRuns

    with TemporaryDirectory() as scratch:
        runs = MlflowRuns(Path(run).resolve().parent if Path(run).is_dir() else HOME)
        own = open_finished(run, Path(scratch))
        truth = read_truth(dataset or dataset_of([run]))

        def decided() -> tuple[str, bool, str]:
            registered(runs.client, own.name)
            decision = decide(runs.client, own, truth, force=force)
            return apply(runs.client, own.name, decision), decision.promoted, str(decision)

        version, promoted, sentence = runs.call(decided)
    typer.echo(f"version {version}: {sentence}")
    if not promoted:
        raise typer.Exit(1)
