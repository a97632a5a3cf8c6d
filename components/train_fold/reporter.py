"""Reports the progress of a training while it runs."""

import json
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from salt_pipeline.components.core.files import write_errors
from salt_pipeline.components.core.part_files import part_file
from salt_pipeline.components.core.progress_bar import bar
from salt_pipeline.components.train_fold.checkpoint import Progress

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60.0
"""Least time between two log lines within an epoch, in seconds."""


class Reporter:
    """Reports a training: a bar at a terminal, log lines in a pod, and a small JSON file for watchers.

    Args:
        path: The JSON file.
        job: Config hash, data hash, encoder and fold.
        epochs: Number of epochs of the training.
        on_epoch: Called with the history after each epoch.
    """

    def __init__(
        self, path: Path, job: dict[str, str | int], epochs: int, on_epoch: Callable[[list[dict[str, float]]], None]
    ) -> None:
        self.path, self.job, self.epochs, self.on_epoch = path, job, epochs, on_epoch
        self.written = time.monotonic()
        self._stack = ExitStack()

    def __enter__(self) -> "Reporter":
        title = f"{self.job['encoder']} fold {self.job['fold']}"
        shown = bar(title, lambda done, total: f"{done:.2f} of {total:.0f} epochs", seconds=SECONDS_BETWEEN_LINES)
        self._show = self._stack.enter_context(shown)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, progress: Progress, fraction: float) -> None:
        """Reports the progress, at most twice a second except at an epoch's end."""
        now = time.monotonic()
        epoch_ends = fraction == 1.0
        if now - self.written < 0.5 and not epoch_ends:
            return
        self.written = now
        done = progress.epoch if epoch_ends else progress.epoch + fraction
        last = progress.history[-1] if progress.history else {}
        figures = {"done": done, "epochs": self.epochs, "loss": last.get("loss"), "score": last.get("score")}
        self._write({**self.job, **figures})
        if epoch_ends:
            self.on_epoch(progress.history)
            log.info(
                "%s fold %d: epoch %d of %d, phase %d, loss %.4f, metric %.4f, %.0f s",
                self.job["encoder"],
                self.job["fold"],
                progress.epoch,
                self.epochs,
                last["phase"],
                last["loss"],
                last["score"],
                last["seconds"],
            )
        else:
            self._show(done, self.epochs)

    def _write(self, figures: dict[str, object]) -> None:
        with write_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part_file(self.path) as part:  # not `atomic_path`, which waits for the disk
                part.write_text(json.dumps(figures))
                part.replace(self.path)
