"""The command `salt`."""

import salt_pipeline.pipelines.cli.interruption  # noqa: F401 - first: Ctrl-C may come during all other imports

# isort: split
import logging
import shlex
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from salt_pipeline.components.core.errors import MARK, SaltError, exit_on_error, one_line
from salt_pipeline.components.core.extras import extra
from salt_pipeline.components.core.progress_bar import stderr_console
from salt_pipeline.pipelines.cli import (
    cluster,
    compare,
    configuration,
    data,
    images,
    predict,
    promote,
    serve,
    stages,
    sweep,
)
from salt_pipeline.pipelines.cli.help import Commands
from salt_pipeline.pipelines.cli.stage_options import (
    AsJson,
    Changes,
    ConfigFile,
    DryRun,
    base_name,
    chosen,
    preset_option,
)
from salt_pipeline.pipelines.cli.streams import flushed_output, prepare_streams
from salt_pipeline.pipelines.display.console import echo, print_json, print_table, say
from salt_pipeline.pipelines.hardware.runner import Runner

MOST_MADE = 50_000
"""Most labelled, and most test images of a synthetic survey: its archive then has half a gigabyte."""

app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Finds salt bodies in seismic images: ten networks, one ensemble, a submission for Kaggle.",
)
for group in (predict, configuration, stages, sweep, compare, promote, serve, cluster, images, data):
    group.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"salt-pipeline {version('salt-pipeline')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options that stand before the command's name."""


@app.command(epilog="Example: `salt run --data survey.zip --preset quick --set train.epochs=3 --out runs/first`")
def run(
    data: Annotated[str | None, typer.Option(help="The archive: zip, folder, or s3://bucket/key.")] = None,
    preset: Annotated[str | None, preset_option("quick")] = None,
    config: ConfigFile = None,
    changes: Changes = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of the run; an interrupted run in it resumes.")
    ] = None,
    runner: Annotated[
        Runner, typer.Option(help="How the stages run: as processes, or in their containers.")
    ] = "subprocess",
    jobs: Annotated[
        int | None,
        typer.Option(
            max=1000, help="Jobs that run at once; by default 2 on CPUs, and on GPUs what their memory carries."
        ),
    ] = None,
    gpus: Annotated[
        str | None, typer.Option(help="The GPUs that jobs use: all, or their numbers, as 0,1.", show_default="all")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Runs the pipeline on this machine; if the environment names an object store, results and checkpoints go there."""
    from salt_pipeline.pipelines.local.dry_run import dry_run_table, planned_tasks
    from salt_pipeline.pipelines.local.result import result_document, show_result
    from salt_pipeline.pipelines.local.start import DEFAULT, plan_run, start
    from salt_pipeline.pipelines.local.watcher import INTERRUPTED

    console = stderr_console()
    name = base_name(config, preset, DEFAULT)
    path = out or Path("runs", f"{time.strftime('%Y%m%d-%H%M%S')}-{name}")
    given = chosen(config, name, changes) if config else None
    planned = plan_run(
        path,
        data,
        preset=name if config else preset,
        given=given,
        changes=changes or [],
        runner=runner,
        jobs=jobs,
        gpus=gpus,
    )
    folder = planned.folder
    if dry_run:
        where = "to be resumed in" if planned.resumed else "the folder would be"
        say(console, f"{planned.plan}\nnothing is run; {where} {one_line(path)}")
        if as_json:
            print_json(planned_tasks(folder, planned.config))
        else:
            print_table(dry_run_table(folder, planned.config))
        return
    told = {"--runner": None if runner == "subprocess" else runner, "--jobs": jobs, "--gpus": gpus}
    options = "".join(f" {option} {value}" for option, value in told.items() if value is not None)
    began = time.monotonic()
    code = start(planned, console)
    if code == INTERRUPTED:
        say(console, f"stopped; to resume: salt run --out {shlex.quote(str(path))}{options}")
    if code:
        raise typer.Exit(code)
    if as_json:
        print_json(result_document(folder, time.monotonic() - began))
    else:
        show_result(folder, time.monotonic() - began, Console())


@app.command(epilog="Example: `salt synth survey.zip --labelled 400 --test 200`")
def synth(
    out: Annotated[Path, typer.Argument(help="A file ending in .zip, or a folder.")],
    labelled: Annotated[int, typer.Option(min=1, max=MOST_MADE, help="Number of labelled images.")] = 400,
    test: Annotated[int, typer.Option(min=1, max=MOST_MADE, help="Number of test images.")] = 200,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed; the same seed writes the same bytes.")] = 0,
) -> None:
    """Writes a synthetic survey in the layout of the competition's archive; scores on it mean nothing."""
    from salt_pipeline.components.ingest.synth import write_survey

    write_survey(str(out), labelled=labelled, test=test, seed=seed)
    counts = f"{labelled} labelled and {test} test images"
    say(stderr_console(), f"{one_line(out)}: {counts}, all synthetic: scores on them mean nothing")


@app.command("check-data", epilog="Example: `salt check-data tgs-salt-identification-challenge.zip`")
def check_data(path: Annotated[str, typer.Argument(help="The archive.")]) -> None:
    """Reports every problem of an archive, one line per cause.

    PNG files are required in train/images and train/masks, each mask of the same name as its image. Files in
    test/images, train.csv, depths.csv and sample_submission.csv are checked where they exist.
    """
    from salt_pipeline.components.ingest.stage import check_data as check

    counts, problems = check(path)
    for name, count in counts.items():
        echo(f"{name}: {count}")
    _end_with(problems, path, code=1 if counts else 2)  # without counts nothing could be read


@app.command("check-submission", epilog="Example: `salt check-submission runs/first/submission.csv --data survey.zip`")
def check_submission(
    csv: Annotated[Path, typer.Argument(help="The submission.")],
    data: Annotated[str, typer.Option(help="The archive that it belongs to.")],
) -> None:
    """Checks a submission as Kaggle would."""
    from salt_pipeline.components.ingest.stage import read_test_ids
    from salt_pipeline.components.submission.check import check_submission as check

    _end_with(check(csv, read_test_ids(data)), str(csv))


@app.command(epilog="Example: `salt score submission.csv --masks truth/`")
def score(
    csv: Annotated[Path, typer.Argument(help="A file in the format of a submission.")],
    masks: Annotated[Path, typer.Option(help="Folder of the true masks, <id>.png.")],
) -> None:
    """Scores a file of run-lengths against true masks with the competition's metric."""
    from salt_pipeline.components.submission.check import score_csv

    value, count = score_csv(csv, masks)
    echo(f"{value:.4f} on {count} images")


@app.command("compile", epilog="Example: `salt compile --preset seed --set cluster.tag=1.2.0 --out salt.yaml`")
def compile_yaml(
    preset: Annotated[str | None, preset_option("seed")] = None,
    config: ConfigFile = None,
    changes: Changes = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")] = Path("pipelines/salt.yaml"),
) -> None:
    """Writes the pipeline as YAML for a Kubeflow Pipelines cluster."""
    settings = chosen(config, base_name(config, preset, "seed"), changes)
    from salt_pipeline.pipelines.pipeline import compile_pipeline

    compile_pipeline(settings, out)
    echo(out)


def _end_with(problems: list[SaltError], checked: str, code: int = 1) -> None:
    for problem in problems:
        echo(f"- {problem}")
    if problems:
        summary = SaltError(f"{len(problems)} problem{'s' * (len(problems) > 1)}", file=checked)
        typer.echo(f"{MARK}{summary}", err=True)
        raise typer.Exit(code)
    echo(f"{checked}: nothing wrong")


def main() -> None:
    """Runs the command; a user's mistake ends in one line and exit code 2."""
    prepare_streams()
    terminal = stderr_console()
    handler = RichHandler(console=terminal, show_path=False, show_level=False) if terminal.is_terminal else None
    form = "%(message)s" if handler else "%(asctime)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[handler] if handler else None)
    # The extra `train` brings what any command needs, unless the command names another.
    with exit_on_error(), flushed_output(), extra("train"):
        app()


if __name__ == "__main__":
    main()
