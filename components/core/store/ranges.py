"""Downloads in ranges, each of which is retried by itself."""

import hashlib
from functools import partial
from typing import IO

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.client import Client, Stat, object_place
from salt_pipeline.components.core.store.failures import StoreError
from salt_pipeline.components.core.store.multipart import PART, SHA256, Progress


class Altered(SaltError):
    """An object is not what was uploaded."""


def receive(client: Client, uri: str, there: Stat, file: IO[bytes] | None, progress: Progress) -> bool:
    """Reads an object and verifies it.

    Args:
        client: The store.
        uri: The object.
        there: Its attributes from `Store.stat`.
        file: Where to write it, from the beginning; None only verifies.
        progress: Called after each range.

    Returns:
        False if it was replaced or removed during the download.

    Raises:
        Altered: If its SHA-256 is not what its metadata says.
    """
    digest = hashlib.sha256()
    if file:
        file.seek(0)
        file.truncate()
    try:
        for start in range(0, there.size, PART):
            piece = client.call(uri, partial(_range, client, uri, start, there))
            digest.update(piece)
            if file:
                file.write(piece)
            progress(start + len(piece), there.size)
    except StoreError as error:
        if error.code in ("PreconditionFailed", "NoSuchKey"):
            return False
        raise
    if there.metadata.get(SHA256) not in (None, digest.hexdigest()):
        raise Altered("was altered or is damaged: its SHA-256 is not that of its upload", file=uri)
    return True


def _range(client: Client, uri: str, start: int, there: Stat) -> bytes:
    length = min(PART, there.size - start)
    response = client.minio.get_object(
        *object_place(uri), offset=start, length=length, request_headers={"If-Match": f'"{there.etag}"'}
    )
    try:
        return response.read()
    finally:
        response.close()
        response.release_conn()
