"""Where a training job keeps its checkpoint and its progress, and how a watcher reads the latter."""

import logging
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from salt_pipeline.components.core.documents import parse_document
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.numbers import parse_json
from salt_pipeline.components.core.store.uris import is_uri

log = logging.getLogger(__name__)

CHECKPOINT, PROGRESS = "checkpoint.safetensors", "progress.json"
"""Names of the two files of a job."""

MAX_PROGRESS = 65536
"""Largest progress file that is fetched from a store, bytes; one has 200."""

_FOLDER = re.compile(r"(?:^|/)([0-9a-f]{16})-([0-9a-f]{16})/(.+)/fold([0-9]+)(?:/[^/]*)?$")


class JobProgress(BaseModel):
    """What must hold of a progress file; the key's entries are not looked at: a watcher takes them from the path."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    done: float = Field(ge=0)
    epochs: int | None = Field(None, ge=1)
    loss: float | None = None
    score: float | None = None

    @model_validator(mode="after")
    def _an_epoch_has_a_score(self) -> Self:
        if self.loss is not None and (self.score is None or self.epochs is None):
            raise ValueError("an epoch with a loss must have a score, and the number of all epochs")
        return self


class JobKey(NamedTuple):
    """Identifies a training by everything that changes its result.

    Attributes:
        config_hash: Hash of the configuration.
        data_hash: Hash of the dataset.
        encoder: Name of the encoder.
        fold: The fold that is held out, from 0.
    """

    config_hash: str
    data_hash: str
    encoder: str
    fold: int

    def folder(self, checkpoints: str) -> str:
        """The job's own folder, or prefix in a store.

        Args:
            checkpoints: The folder, or s3:// prefix, of all checkpoints.
        """
        place = f"{self.config_hash}-{self.data_hash}/{self.encoder}/fold{self.fold}"
        return f"{checkpoints.rstrip('/')}/{place}" if is_uri(checkpoints) else str(Path(checkpoints, place))

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Reads the key back from a job's folder or from a file in it.

        Args:
            path: A path or URI.

        Returns:
            The key; None if the path is of no job.
        """
        found = _FOLDER.search(path)
        return cls(found[1], found[2], found[3], int(found[4])) if found else None


def read_progress(checkpoints: str, key: JobKey) -> dict[str, Any]:
    """Reads the progress that a job last wrote.

    Args:
        checkpoints: The folder, or s3:// prefix, of all checkpoints.
        key: The job.

    Returns:
        `done` and `epochs`, `loss` and `score` of the last epoch, and the key's fields; empty where the job has not
        written any, or the store does not answer.

    Raises:
        SaltError: If no store is set, or a local file is damaged or holds something else.
    """
    path = f"{key.folder(checkpoints)}/{PROGRESS}"
    if not is_uri(checkpoints):
        return _checked(read_json(path), path) if Path(path).exists() else {}
    store = _watchers_store()
    try:
        found = store.stat(path)
        if found is None or found.size > MAX_PROGRESS:
            return {}
        return _checked(parse_json(store.get(path).decode(errors="replace"), path), path)
    except SaltError as error:
        log.debug("progress of %s fold %d: %s", key.encoder, key.fold, error)
        return {}


def _checked(content: Any, path: str) -> dict[str, Any]:
    parse_document(JobProgress, content, path)
    return dict(content)


def newest_data_hash(checkpoints: str, config_hash: str) -> str | None:
    """Finds the data that the jobs of a configuration most recently trained on.

    Args:
        checkpoints: The s3:// prefix of all checkpoints.
        config_hash: Hash of the configuration.

    Returns:
        The hash of the data; None if no job of the configuration has written its progress.

    Raises:
        SaltError: If no store is set, or it does not answer.
    """
    listed = _watchers_store().list(f"{checkpoints.rstrip('/')}/{config_hash}-")
    written = [(stat.modified, uri) for uri, stat in listed if uri.endswith(f"/{PROGRESS}")]
    newest = JobKey.parse(max(written)[1]) if written else None
    return newest.data_hash if newest else None


@lru_cache(maxsize=1)
def _watchers_store() -> Any:
    """One client for all jobs; it does not wait for a store that is unreachable."""
    from salt_pipeline.components.core.store.store import Store

    return Store(patience=0)
