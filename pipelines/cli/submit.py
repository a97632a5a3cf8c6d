"""The commands that start runs on a cluster: at once, or on a schedule."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.progress_bar import stderr_console
from salt_pipeline.pipelines.cli.options import follow, open_kfp
from salt_pipeline.pipelines.cli.stage_options import (
    AsJson,
    Changes,
    ConfigFile,
    DryRun,
    base_name,
    chosen,
    preset_option,
)
from salt_pipeline.pipelines.display.console import cell, echo, print_json, print_table, say

LONGEST_NAME = 128
"""Most characters of the name of a run, which names its Argo workflow and its run in MLflow, and of an experiment."""

Experiment = Annotated[str, typer.Option(help="Experiment in Kubeflow Pipelines; created if it does not exist.")]


def submit(
    data: Annotated[str, typer.Option(help="The archive in the object store, s3://bucket/key.")],
    preset: Annotated[str | None, preset_option("seed")] = None,
    config: ConfigFile = None,
    changes: Changes = None,
    experiment: Experiment = "salt",
    name: Annotated[str | None, typer.Option(help="Name of the run; by default preset and time.")] = None,
    cache: Annotated[bool, typer.Option(help="Let KFP take results of stages from its cache.")] = True,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
    promote_if_better: Annotated[
        bool,
        typer.Option(
            "--promote-if-better", help="Make its model models:/salt@champion if it is better than the present one."
        ),
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(
            metavar="CRON", help="Run on a schedule: minute hour day month weekday, in UTC, such as '0 3 * * 1'."
        ),
    ] = None,
    notify: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="SALT_NOTIFY_URL",
            show_envvar=True,
            help="Post state, score and link there as JSON when a run has ended. Kept in a Secret.",
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Runs the entire pipeline on a cluster: once, or on a schedule."""
    from salt_pipeline.pipelines.cluster import submit as cluster_submit
    from salt_pipeline.pipelines.cluster.cron import Cron
    from salt_pipeline.pipelines.cluster.notify import secret_name, store_address
    from salt_pipeline.pipelines.variant import CACHED, Variant

    for option, text in (("--name", name), ("--experiment", experiment)):
        if text is not None and (not text.strip() or not text.isprintable() or len(text) > LONGEST_NAME):
            wanted = f"1 to {LONGEST_NAME} printable characters"
            raise SaltError("is not a name", field=option, found=repr(text[:LONGEST_NAME]), expected=wanted)
    base = base_name(config, preset, "seed")
    settings = chosen(config, base, changes)
    cron = Cron.parse(every) if every else None
    if cron and watch:
        raise SaltError("there is no run to follow yet", field="--watch", expected="without --every")
    variant = Variant(
        # The archive may change under its name from one run to the next.
        cached=CACHED if cache and not cron else frozenset(),
        recurring=cron is not None,
        notify_secret=secret_name(notify) if notify else "",
        promote=promote_if_better,
    )
    kfp = open_kfp()
    checked = cluster_submit.check(kfp, data, settings)
    for warning in checked.warnings:
        typer.echo(f"warning: {warning}", err=True)
    name = name or cluster_submit.run_name(base)
    if dry_run:
        _show_dry_run(kfp, checked, name, variant, as_json)
        return
    if notify:
        store_address(kfp.settings, notify)
    named: Any = {"name": name, "preset": base, "experiment": experiment, "variant": variant}
    if cron:
        _schedule(kfp, checked, data, cron, named, as_json)
        return
    run_id = cluster_submit.submit(kfp, checked, data, **named)
    _show_started({"run": run_id, "link": kfp.settings.run_link(run_id)}, as_json)
    if watch:
        follow(kfp, run_id)


def _show_started(started: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json(started)
    else:
        typer.echo("\n".join(started.values()))


def _show_dry_run(kfp: Any, checked: Any, name: str, variant: Any, as_json: bool) -> None:
    from salt_pipeline.pipelines.cluster.dry_run import asked, dry_run_table

    if as_json:
        print_json(asked(checked.config, variant))
    else:
        print_table(dry_run_table(checked.config, variant))
    place = f"namespace {kfp.settings.namespace} of {kfp.settings.kfp_url}"
    say(stderr_console(), f"nothing was submitted; the run would be {name} in {place}")


def _schedule(kfp: Any, checked: Any, data: str, cron: Any, named: dict[str, Any], as_json: bool) -> None:
    from salt_pipeline.pipelines.cluster.schedules import schedule

    schedule_id = schedule(kfp, checked, data, cron, **named)
    due = cron.next(datetime.now(UTC))
    _show_started({"schedule": schedule_id, "link": kfp.settings.schedule_link(schedule_id)}, as_json)
    typer.echo(f"first run: {due:%Y-%m-%d %H:%M} UTC; to list and delete it: salt schedules", err=True)


def schedules(
    disable: Annotated[str | None, typer.Option(metavar="SCHEDULE", help="Switch one off.")] = None,
    enable: Annotated[str | None, typer.Option(metavar="SCHEDULE", help="Switch one on again.")] = None,
    delete: Annotated[str | None, typer.Option(metavar="SCHEDULE", help="Delete one; its runs stay.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lists the schedules that `salt submit --every` made, or changes one: by its id, its beginning, or its name."""
    from salt_pipeline.pipelines.cluster.schedules import find_schedule, list_schedules

    kfp = open_kfp()
    if not (disable or enable or delete):
        if as_json:
            print_json([asdict(listed) for listed in list_schedules(kfp)])
            return
        table = Table("schedule", "name", "cron (UTC)", "state", "next", "last", "last state", box=None)
        for listed in list_schedules(kfp):
            times = [f"{time.astimezone(UTC):%Y-%m-%d %H:%M}" if time else "" for time in (listed.next, listed.last)]
            facts = map(cell, (listed.id[:8], listed.name, listed.cron, listed.state))
            table.add_row(*facts, *times, cell(listed.last_state))
        print_table(table)
        return
    if sum(map(bool, (disable, enable, delete))) > 1:
        raise SaltError("only one of these can be given", field="--disable, --enable, --delete")
    chosen = find_schedule(kfp, disable or enable or delete or "")
    if delete:
        kfp.delete_schedule(chosen.id)
    else:
        kfp.enable_schedule(chosen.id, bool(enable))
    done = "deleted; its runs stay" if delete else "enabled" if enable else "disabled"
    echo(f"{chosen.name}: {done}")
