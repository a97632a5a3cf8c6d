"""The commands that talk to a cluster."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.options import follow, in_namespace, open_kfp, settings
from salt_pipeline.pipelines.cli.stage_options import AsJson
from salt_pipeline.pipelines.cli.submit import schedules, submit
from salt_pipeline.pipelines.display.console import cell, echo, print_json, print_table

Run = Annotated[str, typer.Argument(metavar="RUN", help="Its id, the beginning of its id, or its name.")]

PANEL = "Cluster"

cluster = typer.Typer(no_args_is_help=True, help="Prepares a cluster.", rich_markup_mode="markdown")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for command, example in (
        (submit, "salt submit --data s3://salt/data/survey.zip --preset seed --watch"),
        (watch, "salt watch 3f2a90c4"),
        (runs, "salt runs --limit 5"),
        (logs, "salt logs 3f2a90c4 se_resnext50/fold3 --follow"),
        (fetch, "salt fetch 3f2a90c4 --out runs/from-cluster"),
        (cancel, "salt cancel 3f2a90c4"),
        (resume, "salt resume 3f2a90c4"),
        (schedules, "salt schedules --disable 7c1e2b40"),
        (doctor, "salt doctor --json"),
    ):
        app.command(epilog=f"Example: `{example}`", rich_help_panel=PANEL)(in_namespace(command))
    cluster.command("init", epilog="Example: `salt cluster init --dev --generate`")(in_namespace(init))
    cluster.callback()(lambda: None)
    app.add_typer(
        cluster, name="cluster", epilog="Example: `salt cluster init --dev --generate`", rich_help_panel=PANEL
    )


def watch(run: Run) -> None:
    """Follows a run to its end: stages and jobs, state, time, retries, last metric."""
    kfp = open_kfp()
    follow(kfp, kfp.find(run).id)


def runs(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of runs, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Lists the runs of a cluster and of this machine, each with its score."""
    from salt_pipeline.pipelines.compare.listing import list_runs
    from salt_pipeline.pipelines.display.run_table import clock

    table = Table("run", "name", "where", "state", "score", "began", "time", box=None)
    listed, problems = list_runs(open_kfp(), limit)
    for problem in problems:
        typer.echo(f"skipped: {problem}", err=True)
    if as_json:
        print_json([asdict(run) for run in listed])
        return
    for run in listed:
        score = "" if run.score is None else f"{run.score:.4f}"
        began = run.began.astimezone().strftime("%Y-%m-%d %H:%M")
        names = map(cell, (run.run, run.name, run.place, run.state))
        table.add_row(*names, score, began, clock(run.seconds or 0))
    print_table(table)


def logs(
    run: Run,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A stage, or a training job as encoder/foldK.")],
    follow: Annotated[bool, typer.Option("--follow", help="Continue printing until the task ends.")] = False,
    predict: Annotated[
        bool, typer.Option("--predict", help="The log of a job's prediction, not of its training.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print also what KFP and Argo say of their own work.")] = False,
) -> None:
    """Prints the log of a task."""
    from salt_pipeline.pipelines.cluster.pod_logs import read_log
    from salt_pipeline.pipelines.cluster.watch import POLL_SECONDS, run_tasks
    from salt_pipeline.pipelines.display.readable_lines import ReadableLines

    kfp = open_kfp()
    found = kfp.find(run)
    jobs, printed, lines = found.jobs, "", ReadableLines()
    while True:
        task = _task(run_tasks(kfp, found.id), jobs, job, predict, found.order)
        if not follow or task.state != "starting":
            try:
                text = read_log(kfp, found.id, task)
            except SaltError:
                if not follow or task.ended:
                    raise
                text = printed  # between two attempts there is no log, and the next attempt begins a new one
            complete = text[: text.rfind("\n") + 1] if follow and not task.ended else text
            new = complete.removeprefix(printed)
            typer.echo(new if raw else "".join(f"{line}\n" for line in lines.pick(new.split("\n"))), nl=False)
            printed = complete
        if not follow or task.ended:
            return
        time.sleep(POLL_SECONDS)


def fetch(
    run: Run,
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to download to.")],
    everything: Annotated[bool, typer.Option("--all", help="Download every artifact, not the results alone.")] = False,
) -> None:
    """Downloads submission, report and metrics from the store."""
    from salt_pipeline.pipelines.cluster.fetch import fetch as download

    kfp = open_kfp()
    paths, missing = download(kfp, kfp.find(run), out, everything)
    for path in paths:
        typer.echo(path)
    if missing:
        raise SaltError("some results are missing", file=run, expected=", ".join(missing))


def cancel(run: Run) -> None:
    """Stops a run; its results so far stay."""
    from salt_pipeline.pipelines.cluster.close_tracked import close_tracked

    kfp = open_kfp()
    found = kfp.find(run)
    if found.ended:
        raise SaltError("has ended already", file=found.name, found=found.state)
    kfp.terminate(found.id)
    echo(f"{found.name}: stopping; to resume it: salt resume {found.id[:8]}")
    close_tracked(kfp, found.id)


def resume(run: Run) -> None:
    """Resumes a run that failed or was stopped."""
    from salt_pipeline.pipelines.cluster.close_tracked import close_tracked

    kfp = open_kfp()
    found = kfp.find(run)
    if found.state == "SUCCEEDED" or not found.ended:
        raise SaltError("can be resumed only after it has failed or was stopped", file=found.name, found=found.state)
    close_tracked(kfp, found.id)
    run_id = kfp.resume(found)
    how = "resumed" if run_id == found.id else "started again; its training jobs resume from their checkpoints"
    echo(f"{found.name}: {how}; to watch it: salt watch {run_id[:8]}")


def doctor(as_json: AsJson = False) -> None:
    """Checks everything a run needs, on this machine and on the cluster, and shows how to fix it.

    It fails if a check does. Without a cluster, neither named nor found, only the checks that a local run needs count.
    """
    from salt_pipeline.pipelines.doctor.run import examine, has_cluster, show

    cluster = settings()
    verdicts = examine(cluster)
    show(verdicts, as_json)
    if not has_cluster(cluster, verdicts):
        typer.echo("no cluster is set (SALT_KFP_URL): what only a cluster needs is not checked", err=True)
    if any(verdict.state == "fail" for verdict in verdicts):
        raise typer.Exit(1)


def init(
    dev: Annotated[
        bool, typer.Option("--dev", help="Also create the Secrets of the overlay's MinIO and Postgres.")
    ] = False,
    generate: Annotated[bool, typer.Option("--generate", help="Generate keys if the environment has none.")] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Replace the values of Secrets that hold others, and give the store's users new keys."
        ),
    ] = False,
    expire_days: Annotated[
        int, typer.Option(min=1, max=36_500, help="Number of days for which checkpoints are kept.")
    ] = 30,
) -> None:
    """Creates Secrets, buckets, users, lifecycle rule and MLflow experiment; a second time it changes nothing."""
    from salt_pipeline.pipelines.cluster.init import initialise

    for line in initialise(settings(), dev=dev, generate=generate, replace=replace, expire_days=expire_days):
        typer.echo(line)


def _task(tasks: list, jobs: list, wanted: str, predict: bool, order: Sequence[str]) -> Any:
    from salt_pipeline.components.core.stages import TASKS_IN_LOOP
    from salt_pipeline.pipelines.display.run_table import job_name
    from salt_pipeline.pipelines.places import job_folder

    names = {job_name(job): job for job in jobs} | {job_folder(*job): job for job in jobs}
    stage = wanted.replace("_", "-")
    for task in reversed(tasks):
        job = task.job(jobs)
        mine = job == names[wanted] and task.stage == TASKS_IN_LOOP[predict] if wanted in names else task.stage == stage
        if mine and (wanted in names or stage not in TASKS_IN_LOOP):
            return task
    if wanted in names or (stage in order and stage not in TASKS_IN_LOOP):
        raise SaltError("has not started", field="JOB", found=wanted)
    known = ", ".join([*(name for name in order if name not in TASKS_IN_LOOP), *list(names)[:1]])
    raise SaltError("no such stage or job", field="JOB", found=wanted, expected=f"{known} ...")
