"""Starts a run on this machine, or resumes one, and follows it to its end."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from salt_pipeline.components.core.errors import SaltError, one_line
from salt_pipeline.components.core.extras import need
from salt_pipeline.pipelines.display.console import say
from salt_pipeline.pipelines.hardware.concurrency import plan, usable_gpus
from salt_pipeline.pipelines.images import with_tag
from salt_pipeline.pipelines.local.folder import RunFolder, Runner, create, open_run, reopened_config
from salt_pipeline.pipelines.local.lock import locked
from salt_pipeline.pipelines.local.watcher import Watcher
from salt_pipeline.pipelines.presets import changed, preset_config

DEFAULT = "quick"
"""The preset of a new run."""


def start(
    path: Path,
    data: str | None,
    *,
    preset: str | None,
    changes: Sequence[str],
    runner: Runner = "subprocess",
    jobs: int | None = None,
    gpus: str | None = None,
    console: Console,
) -> tuple[RunFolder, int]:
    """Runs the pipeline in a folder; an interrupted run in it resumes.

    Args:
        path: The folder.
        data: The archive; optional for an existing run.
        preset: Name of the preset; by default that of an existing run, or `DEFAULT`.
        changes: Each `section.key=value`.
        runner: How the stages run.
        jobs: Jobs that run at once.
        gpus: The GPUs that jobs use.
        console: Where to show the run.

    Returns:
        The folder, and the exit code of `Watcher.run`.

    Raises:
        SaltError: If an option is wrong, the folder holds another run or is in use, or a package is not installed.
    """
    need("train", "torch", "sklearn", "mlflow", "alembic")
    known = reopened_config(path)
    config = changed(known, [*changes]) if known else preset_config(preset or DEFAULT, [*changes])
    if runner == "docker":
        config = with_tag(config)
    if known and known != config:
        raise SaltError("holds a run of another configuration: use another --out", file=path, field="--set")
    used = plan(config, usable_gpus(config, runner, gpus), jobs, gpus)
    folder = open_run(path, data, preset if known else preset or DEFAULT, config, runner)
    with locked(folder.path) as lock:
        if not known:
            create(folder, config)
        say(console, str(used))
        say(console, f"{'resuming' if known else 'running'} {one_line(folder.path)} (log: {folder.log.name})")
        return folder, Watcher(folder, used, console, lock).run()
