"""Starts a sweep's process, shows the lines that it logs, and reports how it ended."""

import json
import os
import signal
import sys
import time
from typing import IO

from rich.console import Console

from salt_pipeline.pipelines.display.console import say, shows_progress
from salt_pipeline.pipelines.failure import mistakes
from salt_pipeline.pipelines.hardware.concurrency import Plan
from salt_pipeline.pipelines.local.process_group import ended_as_by_ctrl_c, process_group
from salt_pipeline.pipelines.local.watcher import INTERRUPTED
from salt_pipeline.pipelines.sweep.folder import SweepFolder

POLL_SECONDS = 0.3
"""Time between two looks at the log, in seconds."""


def watch(folder: SweepFolder, plan: Plan, console: Console, lock: int) -> int:
    """Runs a sweep to its end or to Ctrl-C.

    Args:
        folder: The sweep.
        plan: What it uses of this machine.
        console: Where to show its log.
        lock: Descriptor of the folder's lock, which all processes of the sweep are to hold.

    Returns:
        The exit code: 0 if the sweep succeeded, 130 after Ctrl-C, 128 more than a signal that ended its process.
    """
    words = [str(folder.path), str(plan.jobs), plan.threads, json.dumps(plan.capacity)]
    command = [sys.executable, "-m", "salt_pipeline.pipelines.sweep.runner", *words]
    environment = {"PYTHONUNBUFFERED": "1"} | dict(os.environ)
    with folder.log.open("a") as log, folder.log.open(errors="replace") as shown:
        shown.seek(0, os.SEEK_END)
        with ended_as_by_ctrl_c(), process_group(command, lock=lock, log=log, environment=environment) as process:
            try:
                while (code := process.poll()) is None:
                    _show(shown, console)
                    time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                console.print("\nstopping ...")
                return INTERRUPTED
        _show(shown, console)
    if code < 0:
        say(console, f"the sweep's process was ended by {signal.Signals(-code).name}", "red")
    return code if code >= 0 else 128 - code


def _show(log: IO[str], console: Console) -> None:
    """Shows what has been logged since the last look; of a sweep whose progress is hidden, the errors."""
    text = log.read().rstrip("\n")
    if not shows_progress():
        text = "\n".join(mistakes(text))
    if text:
        say(console, text)
