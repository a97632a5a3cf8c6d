"""Watches a local run from outside: starts it, shows the progress of its stages and jobs, reports how it ended."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from salt_pipeline.components.core.errors import NOTICE, SaltError
from salt_pipeline.components.core.jobs import Job, in_loop
from salt_pipeline.pipelines.display.console import say
from salt_pipeline.pipelines.display.pace import Pace
from salt_pipeline.pipelines.display.run_table import Line, Row, as_table, live
from salt_pipeline.pipelines.failure import failure
from salt_pipeline.pipelines.hardware.concurrency import Plan
from salt_pipeline.pipelines.local.dry_run import job_progress
from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.local.process_group import ended_as_by_ctrl_c, process_group
from salt_pipeline.pipelines.local.readable_log import ReadableLog
from salt_pipeline.pipelines.local.rows import lines, rows

POLL_SECONDS = 1.0
"""Time between two looks at the run, in seconds."""

INTERRUPTED = 130
"""Exit code of a run that was told to stop, by Ctrl-C or another signal."""


class Watcher:
    """Runs a folder's pipeline and shows it.

    Args:
        folder: The run.
        plan: What it uses of this machine.
        console: Where to show it.
        lock: Descriptor of the folder's lock, which all processes of the run are to hold.
    """

    def __init__(self, folder: RunFolder, plan: Plan, console: Console, lock: int) -> None:
        self.folder, self.plan, self.console, self.lock = folder, plan, console, lock
        self.config = folder.config
        self.code: int | None = None
        self.log = ReadableLog(folder.debug_log, folder.log)
        self.reported: set[str] = set()
        self.pace = Pace()

    def run(self) -> int:
        """Runs to the end or to Ctrl-C.

        Returns:
            The exit code: 0 if the run succeeded, 130 after Ctrl-C, 128 more than a signal that ended its process.
        """
        began = self.folder.log.stat().st_size if self.folder.log.exists() else 0
        self.log.begin(f"{self.folder.run}, preset {self.folder.preset}; {self.plan}")
        command = [sys.executable, "-m", "salt_pipeline.pipelines.local.runner", *self._words()]
        with (
            ended_as_by_ctrl_c(),
            self.folder.debug_log.open("a") as log,
            process_group(command, lock=self.lock, log=log, environment=self._environment()) as process,
        ):
            try:
                code = self._watch(process)
            except KeyboardInterrupt:
                self.console.print("\nstopping ...")
                code = INTERRUPTED
        self.log.follow()
        if code not in (0, INTERRUPTED):
            say(self.console, failure(self.folder.log, began, self.folder.debug_log), "red")
        if code < 0:
            say(self.console, f"the run's process was ended by {signal.Signals(-code).name}", "red")
        return code if code >= 0 else 128 - code

    def _words(self) -> list[str]:
        return [str(self.folder.path), str(self.plan.jobs), json.dumps(self.plan.capacity)]

    def _environment(self) -> dict[str, str]:
        return {"PYTHONUNBUFFERED": "1"} | dict(os.environ) | {"OMP_NUM_THREADS": self.plan.threads}

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        with live(self.console, self._table, self._lines) as show:
            while (code := process.poll()) is None:
                self._show_warnings()
                show()
                time.sleep(POLL_SECONDS)
            self.code = code
            self._show_warnings()
            show()
        return code

    def _progress(self, job: Job) -> dict[str, Any]:
        """The progress that a job last wrote; empty if it has written none, or if its file is damaged."""
        try:
            return job_progress(self.folder, self.config, job)
        except SaltError as error:  # the job itself does not read it, and writes it again
            self._report_once(str(error), str(error), "red")
            return {}

    def _show_warnings(self) -> None:
        """Shows the warnings that the log has got, such as that MLflow is unreachable, one of each kind.

        With `--verbose` it shows all lines of the log.
        """
        for line in self.log.follow():
            if logging.getLogger().isEnabledFor(logging.DEBUG):
                say(self.console, line)
                continue
            if NOTICE in line:
                warning = line[line.index(NOTICE) :]
                self._report_once(warning.removeprefix(NOTICE).partition(":")[0], warning, "yellow")

    def _report_once(self, kind: str, text: str, style: str) -> None:
        if kind not in self.reported:
            self.reported.add(kind)
            say(self.console, text, style)

    def _table(self) -> Table:
        state = "RUNNING" if self.code is None else "FAILED" if self.code else "SUCCEEDED"
        shown = rows(self.config, self.folder.collect(), self._progress, ended=self.code is not None)
        return as_table(shown, f"{self.folder.run}: {state}, {self._timing(shown)}")

    def _timing(self, shown: list[Row]) -> str:
        return self.pace.words(shown, self.config.train.epochs, ended=self.code is not None)

    def _lines(self) -> Iterator[Line]:
        stages = self.folder.collect()
        read = {job: self._progress(job) for job in in_loop(self.config)}.__getitem__
        timing = self._timing(rows(self.config, stages, read, ended=self.code is not None))
        for line in lines(self.config, stages, read):
            yield line._replace(text=f"{line.text} ({timing})")
