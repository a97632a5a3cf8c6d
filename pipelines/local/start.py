"""Starts a run on this machine, or resumes one, and follows it to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError, one_line
from salt_pipeline.components.core.extras import need
from salt_pipeline.pipelines.display.console import say
from salt_pipeline.pipelines.hardware.concurrency import Plan, Runner, plan, usable_gpus
from salt_pipeline.pipelines.images import with_tag
from salt_pipeline.pipelines.local.folder import RunFolder, create, open_run, reopened_config
from salt_pipeline.pipelines.local.lock import locked
from salt_pipeline.pipelines.local.watcher import Watcher
from salt_pipeline.pipelines.presets import changed, preset_config

DEFAULT = "quick"
"""The preset of a new run."""


@dataclass(frozen=True)
class PlannedRun:
    """A run that was checked; nothing is written yet.

    Attributes:
        folder: Its folder.
        config: Its configuration.
        plan: What it uses of this machine.
        resumed: Whether the folder holds it already.
    """

    folder: RunFolder
    config: Config
    plan: Plan
    resumed: bool


def plan_run(
    path: Path,
    data: str | None,
    *,
    preset: str | None,
    given: Config | None = None,
    changes: Sequence[str],
    runner: Runner = "subprocess",
    jobs: int | None = None,
    gpus: str | None = None,
) -> PlannedRun:
    """Checks what a run would be: a new one, or the one that the folder holds.

    Args:
        path: The folder.
        data: The archive; optional for an existing run.
        preset: Name of the preset; by default that of an existing run, or `DEFAULT`.
        given: A complete configuration, in place of the preset and the changes.
        changes: Each `section.key=value`.
        runner: How the stages run.
        jobs: Jobs that run at once.
        gpus: The GPUs that jobs use.

    Raises:
        SaltError: If an option is wrong, the folder holds another run, or a package is not installed.
    """
    known = reopened_config(path)
    if given is not None:
        config = given
    else:
        config = changed(known, [*changes]) if known else preset_config(preset or DEFAULT, [*changes])
    need("train", "torch", "sklearn", "mlflow", "alembic")
    if runner == "docker":
        config = with_tag(config)
    if known and known != config:
        field = "--set" if given is None else "--config"
        raise SaltError("holds a run of another configuration: use another --out", file=path, field=field)
    used = plan(config, usable_gpus(config, runner, gpus), jobs, gpus)
    folder = open_run(path, data, preset if known else preset or DEFAULT, config, runner)
    return PlannedRun(folder, config, used, known is not None)


def start(planned: PlannedRun, console: Console) -> int:
    """Runs the pipeline, and follows it to its end.

    Args:
        planned: The run.
        console: Where to show it.

    Returns:
        The exit code of `Watcher.run`.

    Raises:
        SaltError: If the folder is in use, or cannot be written.
    """
    folder = planned.folder
    with locked(folder.path) as lock:
        if not planned.resumed:
            create(folder, planned.config)
        say(console, str(planned.plan))
        did = "resuming" if planned.resumed else "running"
        say(console, f"{did} {one_line(folder.path)} (log: {folder.log.name})")
        return Watcher(folder, planned.plan, console, lock).run()
