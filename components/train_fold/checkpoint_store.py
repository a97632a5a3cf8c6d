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
from salt_pipeline.components.core.job_files import CHECKPOINT, PROGRESS
from salt_pipeline.components.core.store.ranges import Altered
from salt_pipeline.components.core.store.store import Stat, Store
from salt_pipeline.components.core.store.uris import split_uri
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.checkpoint_folder import FolderPlace

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds that the store may be away in the midst of a training before it stops."""

TELL_EVERY = 10.0
"""Seconds between two progress files in the store, but for those at an epoch's end."""

TRIES = 50
"""Times that a checkpoint is written when others write at once: each such time one of them has succeeded."""


class StorePlace(FolderPlace):
    """A prefix in the store. The training works in a scratch folder; each epoch's checkpoint is sent while it goes on.

    Of attempts that run at once, the one that is further is kept: a checkpoint only ever replaces one of an earlier
    epoch, and the store itself makes sure that it is the one that was looked at (If-Match). Who is late goes on with
    its own files: training is deterministic, so all end with the same weights.

    Args:
        uri: The job's own prefix.
        patience: Seconds that the store may be away.

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
        self._sender, self._teller = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._sending: Future[None] | None = None
        self._telling: Future[None] | None = None
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        self._store.check(split_uri(self.origin)[0])
        if self._store.stat(self.origin):
            try:
                found = self._store.download(self.origin, self.checkpoint)
            except Altered as error:
                raise SaltError(f"{error}: it is not trained on; remove the object to start over") from error
            if "epoch" not in found.metadata or "sha256" not in found.metadata:
                raise SaltError("is no checkpoint of a training: remove the object to start over", file=self.origin)
            log.info("%s: epoch %s, of attempt %s", self.origin, found.metadata["epoch"], found.metadata.get("attempt"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._sender.shutdown(cancel_futures=True)
            self._teller.shutdown(cancel_futures=True)
            self._tell()
            self._scratch.cleanup()

    def after_step(self, progress: Progress, share: float) -> None:
        """Sends the checkpoint at an epoch's end, and how far the training is from time to time.

        Raises:
            SaltError: If the checkpoint before could not be written.
        """
        if share == 1.0:
            self._wait()
            sent = self.folder / f"epoch{progress.epoch}"
            sent.hardlink_to(self.checkpoint)  # the training replaces the file, perhaps before it is sent
            self._sending = self._sender.submit(self._send, sent, progress.epoch)
        idle = self._telling is None or self._telling.done()
        if idle and (share == 1.0 or time.monotonic() - self._told > TELL_EVERY):
            self._told = time.monotonic()
            self._telling = self._teller.submit(self._tell)

    def _wait(self) -> None:
        if self._sending:
            self._sending.result()
            self._sending = None

    def _send(self, path: Path, epoch: int) -> None:
        metadata = {"epoch": str(epoch), "attempt": self.attempt}
        try:
            for _ in range(TRIES):
                there = self._store.stat(self.origin)
                if there and _epoch(there) >= epoch:
                    if there.metadata.get("attempt") != self.attempt:
                        log.info("%s: another attempt is as far or further", self.origin)
                    return
                if self._store.replace(path, self.origin, there, metadata):
                    return
            raise SaltError("cannot be written: others write it all the time", file=self.origin)
        finally:
            path.unlink(missing_ok=True)

    def _tell(self) -> None:
        """Who watches may miss a line; the training does not stop for it."""
        try:
            if self.progress.exists():
                self._hasty.put(self._progress_uri, self.progress.read_bytes())
        except SaltError as error:
            log.warning("progress is not told: %s", error)


def _epoch(there: Stat) -> int:
    epoch = there.metadata.get("epoch", "")
    return int(epoch) if epoch.isdecimal() else -1
