"""A job's checkpoint and progress in an object store."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self
from uuid import uuid4

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import write_errors
from salt_pipeline.components.core.job_files import CHECKPOINT, PROGRESS
from salt_pipeline.components.core.store.client import Stat
from salt_pipeline.components.core.store.ranges import Altered
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.core.store.uris import split_uri
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.checkpoint_folder import FolderPlace
from salt_pipeline.components.train_fold.training_code import code_hash

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds that the store may be unreachable during a training before the training stops."""

REPORT_SECONDS = 10.0
"""Seconds between two uploads of the progress file; at an epoch's end it is uploaded in any case."""

TRIES = 50
"""Attempts at the conditional write. Each lost attempt means that another writer succeeded."""


class StorePlace(FolderPlace):
    """A prefix in the store. The training works in a scratch folder; a checkpoint is uploaded during the next epoch.

    If several attempts run at the same time, the checkpoint of the most advanced one is kept: a checkpoint only ever
    replaces one of an earlier epoch, and the store itself verifies that this is the one that was read (If-Match). The
    slower attempt continues with its own files: training is deterministic, so all end with the same weights.

    A checkpoint of other code, as of another image, is not resumed from and is replaced: the weights would be those of
    neither.

    Args:
        uri: The job's own prefix.
        patience: Seconds that the store may be unreachable.

    Raises:
        SaltError: On entering, if the store cannot be used or the checkpoint in it was altered; later, if a checkpoint
            cannot be written.
    """

    def __init__(self, uri: str, patience: float = PATIENCE) -> None:
        self._scratch = TemporaryDirectory(prefix="salt-")
        super().__init__(Path(self._scratch.name))
        self.attempt = uuid4().hex[:12]
        self.origin, self._progress_uri = f"{uri}/{CHECKPOINT}", f"{uri}/{PROGRESS}"
        self._store, self._hasty = Store(patience=patience), Store(patience=2)
        self._sender, self._reporter = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._stored_epoch = 0
        self._sending: Future[None] | None = None
        self._reporting: Future[None] | None = None
        self._reported = time.monotonic()

    def __enter__(self) -> Self:
        self._store.check(split_uri(self.origin)[0])
        if self._store.stat(self.origin):
            try:
                found = self._store.download(self.origin, self.checkpoint)
            except Altered as error:
                raise SaltError(f"{error}: it is not resumed from; remove the object to start over") from error
            self._stored_epoch = _epoch(found)
            if self._stored_epoch < 1 or "sha256" not in found.metadata:
                raise SaltError("is no checkpoint of a training: remove the object to start over", file=self.origin)
            if _code(found) != code_hash():
                log.warning("%s: other code or other libraries wrote it, so the training begins anew", self.origin)
                self.checkpoint.unlink()
                self._stored_epoch = 0
                return self
            log.info("%s: epoch %s, of attempt %s", self.origin, found.metadata["epoch"], found.metadata.get("attempt"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._sender.shutdown(cancel_futures=True)
            self._reporter.shutdown(cancel_futures=True)
            self._report()
            self._scratch.cleanup()

    def after_start(self, progress: Progress) -> None:
        """Checks the epoch in the object's metadata, by which attempts are compared.

        Raises:
            SaltError: If the training resumes after another one.
        """
        if progress.epoch != self._stored_epoch:
            raise SaltError(
                "its metadata do not match the checkpoint: remove the object to start over",
                file=self.origin,
                field="epoch",
                found=self._stored_epoch,
                expected=progress.epoch,
            )

    def after_step(self, progress: Progress, fraction: float) -> None:
        """Uploads the checkpoint at an epoch's end, and the progress from time to time.

        Raises:
            SaltError: If the previous checkpoint could not be written.
        """
        if fraction == 1.0:
            self._wait()
            sent = self.folder / f"epoch{progress.epoch}"
            with write_errors(sent):
                sent.hardlink_to(self.checkpoint)  # the training replaces the file, perhaps before it is sent
            self._sending = self._sender.submit(self._send, sent, progress.epoch)
        idle = self._reporting is None or self._reporting.done()
        if idle and (fraction == 1.0 or time.monotonic() - self._reported > REPORT_SECONDS):
            self._reported = time.monotonic()
            self._reporting = self._reporter.submit(self._report)

    def _wait(self) -> None:
        if self._sending:
            self._sending.result()
            self._sending = None

    def _send(self, path: Path, epoch: int) -> None:
        metadata = {"epoch": str(epoch), "attempt": self.attempt, "code": code_hash()}
        try:
            for _ in range(TRIES):
                stored = self._store.stat(self.origin)
                if stored and _code(stored) == code_hash() and _epoch(stored) >= epoch:
                    if stored.metadata.get("attempt") != self.attempt:
                        log.info("%s: another attempt is as far or further", self.origin)
                    return
                if self._store.replace(path, self.origin, stored, metadata):
                    return
            raise SaltError("cannot be written: another writer succeeded at every attempt", file=self.origin)
        finally:
            path.unlink(missing_ok=True)

    def _report(self) -> None:
        """Uploads the progress; a watcher may miss a line, but the training does not stop for it."""
        try:
            if self.progress.exists():
                self._hasty.put(self._progress_uri, self.progress.read_bytes())
        except SaltError as error:
            log.warning("the progress is not reported: %s", error)


def _code(stored: Stat) -> str | None:
    return stored.metadata.get("code")


def _epoch(stored: Stat) -> int:
    epoch = stored.metadata.get("epoch", "")
    return int(epoch) if epoch.isdecimal() else -1
