"""`salt sweep`: tries many settings on the same images, folds and seeds, and compares them image by image."""

import shlex
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salt_pipeline.components.core.errors import SaltError, one_line
from salt_pipeline.components.core.extras import TRAINING, need
from salt_pipeline.components.core.progress_bar import stderr_console
from salt_pipeline.pipelines.cli.options import in_namespace
from salt_pipeline.pipelines.cli.stage_options import AsJson
from salt_pipeline.pipelines.cli.sweep_on_cluster import start_sweep
from salt_pipeline.pipelines.display.console import echo, print_json, say, shows_progress

if TYPE_CHECKING:
    from salt_pipeline.pipelines.hardware.concurrency import Plan
    from salt_pipeline.pipelines.sweep.folder import SweepFolder
    from salt_pipeline.pipelines.sweep.search import SearchPlan
    from salt_pipeline.pipelines.sweep.settings import Setting

PRESET = "quick"
"""The preset of a new sweep."""

EPILOG = (
    "Example: `salt sweep --data survey.zip --set 'train.learning_rate=[5e-4,1e-3]' --set 'model.scse=[true,false]' "
    "--out runs/rates`"
)


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EPILOG)(in_namespace(sweep))


def sweep(
    data: Annotated[str | None, typer.Option(help="The archive: zip, folder, or s3://bucket/key.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Name of a preset, see `salt presets`.", show_default=PRESET)
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="section.key=value, a JSON list of values, or a range: log(1e-4,1e-2), uniform(0,1), int(2,8).",
        ),
    ] = None,
    random: Annotated[
        int | None, typer.Option(help="Number of settings to draw from lists and ranges, instead of all combinations.")
    ] = None,
    optuna: Annotated[
        int | None,
        typer.Option(help="Number of settings that optuna proposes one after the other, from the scores so far."),
    ] = None,
    random_seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of the draw, and of optuna.", show_default="0")
    ] = None,
    fold: Annotated[
        list[int] | None, typer.Option(min=0, help="A fold to hold out; repeat it; all by default.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="A seed of the trainings; repeat it; the folds keep theirs.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of the sweep; finished trainings in it are kept.")
    ] = None,
    as_json: AsJson = False,
    jobs: Annotated[
        int | None,
        typer.Option(max=1000, help="Trainings at once; by default 2 on CPUs, and on GPUs what their memory carries."),
    ] = None,
    gpus: Annotated[
        str | None, typer.Option(help="The GPUs that trainings use: all, or as 0,1.", show_default="all")
    ] = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Run on a cluster, as one pipeline run; --data is then s3://bucket/key.")
    ] = False,
    to_end: Annotated[
        bool, typer.Option("--watch", help="With --cluster: follow the run to its end, and print its table.")
    ] = False,
) -> None:
    """Tries many settings with the same folds and seeds, and compares them image by image.

    Each setting is trained and scored on its held-out images; no test image is predicted. An interrupted sweep resumes,
    and a sweep with further values in the same folder trains only what is new.
    """
    from salt_pipeline.pipelines.hardware.concurrency import memory_of_job, plan, usable_gpus
    from salt_pipeline.pipelines.sweep.folder import plan_sweep, read_sweep

    _check_place(cluster, to_end, {"--out": out, "--jobs": jobs, "--gpus": gpus, "--optuna": optuna})
    if cluster:
        from salt_pipeline.pipelines.sweep.submit import plan_on_cluster

        base = preset or PRESET
        settings, _ = _tried(base, changes or [], random, None, random_seed)
        shared = _shared(changes, settings)
        start_sweep(plan_on_cluster(data, base, shared, settings, fold or [], seed or []), to_end, as_json)
        return
    path = out or Path("runs", f"{time.strftime('%Y%m%d-%H%M%S')}-sweep")
    known = read_sweep(path)
    source = data or (known.data if known else None)
    if source is None:
        raise SaltError("is missing", field="--data", expected="an archive, or the folder of a sweep as --out")
    if known and not (preset or changes or fold or seed) and {random, optuna, random_seed} == {None}:
        folder = known
        if data:
            plan_sweep(path, data, known.preset, known.base, known.settings, known.folds, known.seeds)
    else:
        base = preset or (known.preset if known else PRESET)
        settings, search = _tried(base, changes or [], random, optuna, random_seed)
        folder = plan_sweep(path, source, base, _shared(changes, settings), settings, fold or [], seed or [], search)
    largest = max(folder.configs, key=partial(memory_of_job, bf16=True))
    used = plan(largest, usable_gpus(largest, "subprocess", gpus), jobs, gpus, count=folder.trainings)
    need("train", *TRAINING)
    _train(folder, used, save=folder is not known)
    if folder.search:
        folder = read_sweep(folder.path) or folder  # optuna has added settings
    if as_json:
        print_json([one.model_dump(mode="json") for one in folder.read_results()])
        return
    _show(folder)


def _train(folder: "SweepFolder", used: "Plan", *, save: bool) -> None:
    """Trains what is missing, and shows the progress.

    Args:
        folder: The sweep.
        used: How many trainings run at once, and where.
        save: Write what was planned into the folder first.

    Raises:
        typer.Exit: If a training failed, or the sweep was interrupted.
    """
    from salt_pipeline.pipelines.local.lock import locked
    from salt_pipeline.pipelines.local.watcher import INTERRUPTED
    from salt_pipeline.pipelines.sweep.watcher import watch

    console = stderr_console()
    with locked(folder.path) as lock:
        if save:
            folder.save()
        total, finished = folder.count_jobs()
        many = f"up to {folder.search.trials + 1}" if folder.search else len(folder.settings)
        counts = f"{many} settings, {folder.trainings} trainings, {finished} of {total} jobs finished"
        if shows_progress():
            say(console, f"{used}\n{counts}: {one_line(folder.path)} (log: {folder.log.name})")
        code = watch(folder, used, console, lock)
    if code == INTERRUPTED:
        say(console, f"stopped; to resume: salt sweep --out {shlex.quote(str(folder.path))}")
    if code:
        raise typer.Exit(code)


def _check_place(cluster: bool, to_end: bool, of_machine: dict[str, object]) -> None:
    """Refuses the options of the other place.

    Raises:
        SaltError: If an option of this machine is given with --cluster, or --watch without it.
    """
    given = [option for option, value in of_machine.items() if value is not None]
    if cluster and given:
        raise SaltError("is for a sweep on this machine", field=given[0], expected="without --cluster")
    if to_end and not cluster:
        raise SaltError("is for a sweep on a cluster", field="--watch", expected="with --cluster")


def _tried(
    preset: str, changes: list[str], random: int | None, optuna: int | None, seed: int | None
) -> "tuple[list[Setting], SearchPlan | None]":
    """The settings that are known before anything is trained, and what optuna is asked for."""
    from salt_pipeline.pipelines.presets import preset_config
    from salt_pipeline.pipelines.sweep.search import plan_search
    from salt_pipeline.pipelines.sweep.settings import settings_of

    if seed is not None and random is optuna is None:
        raise SaltError("is for a draw", field="--random-seed", expected="with --random or --optuna")
    if optuna is None:
        return settings_of(preset_config(preset), changes, random, seed or 0), None
    if random is not None:
        raise SaltError("cannot be given together", field="--random, --optuna")
    first, search = plan_search(preset_config(preset), changes, optuna, seed or 0)
    return [first], search


def _shared(changes: list[str] | None, settings: list["Setting"]) -> list[str]:
    """The `--set` options that all settings have in common."""
    tried = {change.partition("=")[0] for change in settings[0].changes}
    return [change for change in changes or [] if change.partition("=")[0].strip() not in tried]


def _show(folder: "SweepFolder") -> None:
    """Prints the results, the best setting first, and the command that runs it to a submission."""
    from salt_pipeline.pipelines.sweep.results import summary

    found = folder.read_results()
    for line in summary(found):
        echo(line)
    best = max(found, key=lambda result: result.score)
    chosen = next(setting for setting in folder.settings if setting.name == best.name)
    words = [f"--set {shlex.quote(change)}" for change in (*folder.base, *chosen.changes)]
    echo(f"salt run --data {shlex.quote(folder.data)} --preset {folder.preset} {' '.join(words)}")
