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
        """The file that a training writes and goes on from."""
        return self.folder / CHECKPOINT

    @property
    def progress(self) -> Path:
        """The file that tells how far it is."""
        return self.folder / PROGRESS

    def after_step(self, progress: Progress, share: float) -> None:
        """Takes note of a step; `share` is 1 when an epoch is over and its checkpoint written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass
