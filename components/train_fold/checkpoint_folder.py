"""The folder in which a job keeps its checkpoint and its progress."""

from pathlib import Path
from types import TracebackType
from typing import Self

from salt_pipeline.components.core.job_files import CHECKPOINT, PROGRESS
from salt_pipeline.components.train_fold.checkpoint import Progress


class FolderPlace:
    """A folder that outlives the process.

    Args:
        folder: The job's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.origin = folder, str(folder / CHECKPOINT)

    @property
    def checkpoint(self) -> Path:
        """The file that a training writes and resumes from."""
        return self.folder / CHECKPOINT

    @property
    def progress(self) -> Path:
        """The file that reports the training's progress."""
        return self.folder / PROGRESS

    def after_start(self, progress: Progress) -> None:
        """Takes note of the progress with which the training begins."""

    def after_step(self, progress: Progress, fraction: float) -> None:
        """Takes note of a step; `fraction` is 1 when an epoch has ended and its checkpoint is written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass
