"""Where a job keeps its checkpoint and its progress, and how who watches reads the latter."""

import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.store.uris import is_uri

log = logging.getLogger(__name__)

CHECKPOINT, PROGRESS = "checkpoint.safetensors", "progress.json"


def job_place(checkpoints: str, hashes: str, encoder: str, fold: int) -> str:
    """The folder, or the prefix in a store, of one job: nothing that changes its result shares it.

    Args:
        checkpoints: A folder or s3:// prefix.
        hashes: Config hash and data hash, with a dash between.
        encoder: Name of the encoder.
        fold: The fold, from 0.
    """
    place = f"{hashes}/{encoder}/fold{fold}"
    return f"{checkpoints.rstrip('/')}/{place}" if is_uri(checkpoints) else str(Path(checkpoints, place))


def read_progress(checkpoints: str, encoder: str, fold: int, hashes: str | None = None) -> dict[str, Any]:
    """Reads what a job last wrote of itself.

    Args:
        checkpoints: A folder or s3:// prefix.
        encoder: Name of the encoder.
        fold: The fold, from 0.
        hashes: Config hash and data hash, with a dash between; without them the newest is taken.

    Returns:
        `done` and `epochs`, `loss` and `score` of the last epoch, and the job's names; empty where there is nothing,
        or the store does not answer.

    Raises:
        SaltError: If no store is set, or a file is damaged.
    """
    if not is_uri(checkpoints):
        found = list(Path(checkpoints).glob(f"{hashes or '*'}/{encoder}/fold{fold}/{PROGRESS}"))
        return read_json(max(found, key=lambda path: path.stat().st_mtime)) if found else {}
    store = _watchers_store()
    try:
        if hashes:
            uri = f"{job_place(checkpoints, hashes, encoder, fold)}/{PROGRESS}"
        else:
            ending = f"/{encoder}/fold{fold}/{PROGRESS}"
            listed = [item for item in store.list(f"{checkpoints.rstrip('/')}/") if item[0].endswith(ending)]
            if not listed:
                return {}
            uri = max(listed, key=lambda item: item[1].modified)[0]
        return json.loads(store.get(uri))
    except (SaltError, ValueError) as error:
        log.debug("progress of %s fold %d: %s", encoder, fold, error)
        return {}


@lru_cache(maxsize=1)
def _watchers_store() -> Any:
    """One client for all jobs; it does not wait for a store that is away."""
    from salt_pipeline.components.core.store.store import Store

    return Store(patience=0)
