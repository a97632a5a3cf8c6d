"""Uploads a local run's artifacts to the object store, where other people look for them."""

import logging

from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines.local.folder import KFP, RunFolder
from salt_pipeline.pipelines.local.lock import LOCK

log = logging.getLogger(__name__)


def publish(folder: RunFolder) -> None:
    """Uploads the artifacts of a run to s3://bucket/runs/<run>; a file that is already there is not sent again.

    Args:
        folder: The run.

    Raises:
        SaltError: If the store cannot be written to.
    """
    settings = StoreSettings()
    store, home = Store(settings), f"s3://{settings.bucket}/runs/{folder.run}"
    hidden = {KFP, "checkpoints", folder.log.name, folder.debug_log.name, LOCK}
    for path in sorted(folder.path.rglob("*")):
        name = path.relative_to(folder.path)
        if not path.is_file() or name.parts[0] in hidden:
            continue
        store.upload(path, f"{home}/{name.as_posix()}")
    log.info("artifacts: %s", home)
