"""Watches a local run from outside: starts it, shows the jobs' progress, tells how it ended."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from salt_pipeline.components.core.job_files import JobKey, read_progress
from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.components.core.schemas import DATASET, open_table, table_metadata
from salt_pipeline.components.core.stages import TASKS, TASKS_IN_LOOP
from salt_pipeline.pipelines.failure import failure
from salt_pipeline.pipelines.local.folder import RunFolder, Stage

AT_ONCE = 2
"""Jobs that kfp.local runs side by side, whatever the pipeline's parallelism."""


def _task(stage: Stage) -> str:
    """What a person calls a task: of a loop's, its job too."""
    if stage.name not in TASKS_IN_LOOP:
        return stage.name
    _, encoder, fold, _ = stage.place.split("/", 3)
    return f"{stage.name} {job_title(encoder, fold.removeprefix('fold'))}"


class Watcher:
    """Runs a folder's pipeline and shows it.

    Args:
        folder: The run.
        console: Where to show it.
    """

    def __init__(self, folder: RunFolder, console: Console) -> None:
        self.folder, self.console = folder, console
        self.config = folder.config
        self.jobs = [(e.name, fold) for e in self.config.encoders for fold in range(self.config.split.folds)]
        self.told: dict[str, Any] = {}

    def run(self) -> int:
        """Runs to the end or to Ctrl-C.

        Returns:
            The exit code: 0 when all went well, 130 after Ctrl-C.
        """
        for sign in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal or a stopped container ends it as Ctrl-C does
            if signal.getsignal(sign) is signal.SIG_DFL:
                signal.signal(sign, signal.default_int_handler)
        began = self.folder.log.stat().st_size if self.folder.log.exists() else 0
        with self.folder.log.open("a") as log:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "salt_pipeline.pipelines.local.runner", str(self.folder.path)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self._environment(),
                start_new_session=True,
            )
        try:
            code = self._watch(process)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # pressed again, it shall not leave half of it running
            self.console.print("\nstopping ...")
            code = 130
        finally:
            _end(process)
        if code not in (0, 130):
            said = failure(self.folder.log, began)
            self.console.print(said, style="red", markup=False, highlight=False, soft_wrap=True)
        return code

    def _environment(self) -> dict[str, str]:
        """Jobs side by side share the cores: one thread pool each, together the machine once."""
        side_by_side = min(AT_ONCE, len(self.jobs))
        threads = max(1, (os.cpu_count() or 1) // side_by_side)
        return {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"} | dict(os.environ)

    def _watch(self, process: subprocess.Popen) -> int:
        if not self.console.is_terminal:
            while (code := process.poll()) is None:
                self._tell(self.folder.collect())
                time.sleep(1)
            self._tell(self.folder.collect())
            return code
        with Live(console=self.console, refresh_per_second=4, transient=True) as live:
            while (code := process.poll()) is None:
                live.update(self._table(self.folder.collect()))
                time.sleep(0.5)
        self.console.print(self._table(self.folder.collect()))
        return code

    def _progress(self, encoder: str, fold: int) -> dict[str, Any]:
        """The progress that a job last wrote; empty before the dataset, whose hash is a part of the job's key."""
        dataset = self.folder.path / "ingest/dataset.parquet"
        if not dataset.exists():
            return {}
        data_hash = table_metadata(open_table(dataset, DATASET))["data_hash"]
        return read_progress(self.folder.checkpoints, JobKey(self.config.hash, data_hash, encoder, fold))

    def _table(self, stages: list[Stage]) -> Group:
        places = {stage.place for stage in stages}
        finished = Counter(name for name, _ in {(stage.name, stage.place) for stage in stages})
        line = "  ".join(self._state(name, finished[name]) for name in TASKS)
        table = Table("job", "progress", "epoch", "loss", "metric", "", box=None)
        for encoder, fold in self.jobs:
            state = self._progress(encoder, fold)
            done, epochs = state.get("done", 0), state.get("epochs", self.config.train.epochs)
            predicted = f"predict/{encoder}/fold{fold}/maps.parquet" in places
            table.add_row(
                job_title(encoder, fold),
                ProgressBar(epochs, done, width=24),
                f"{done:.1f}/{epochs}",
                _number(state.get("loss")),
                _number(state.get("score")),
                "done" if predicted else "predicting" if done == epochs else "training" if done else "",
            )
        return Group(line, table)

    def _state(self, name: str, finished: int) -> str:
        tasks = len(self.jobs) if name in TASKS_IN_LOOP else 1
        if finished >= tasks:
            return f"[green]{name} ✓[/]"
        return f"{name} {finished}/{tasks}" if finished else f"[dim]{name}[/]"

    def _tell(self, stages: list[Stage]) -> None:
        """Plain lines where there is no terminal: each finished stage and epoch once."""
        news: dict[str, str] = {stage.place: f"{_task(stage)}: done in {stage.seconds:.0f} s" for stage in stages}
        for encoder, fold in self.jobs:
            state = self._progress(encoder, fold)
            if state.get("loss") is not None:
                key = f"{job_title(encoder, fold)}: epoch {int(state['done'])} of {state['epochs']}"
                news[key] = f"{key}, loss {state['loss']:.4f}, metric {state['score']:.4f}"
        for key, text in news.items():
            if key not in self.told:
                self.told[key] = True
                self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _end(process: subprocess.Popen) -> None:
    """Ends a process and all it began."""
    for sign, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
