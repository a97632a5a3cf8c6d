"""Names of objects in an object store, as s3://bucket/key."""

import re

from salt_pipeline.components.core.errors import SaltError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def is_uri(text: str) -> bool:
    """Whether it names an object, or a prefix of objects, in a store."""
    return text.startswith("s3://")


def split_uri(uri: str) -> tuple[str, str]:
    """Takes a URI apart.

    Returns:
        Bucket and key; the key is empty where only a bucket is named.

    Raises:
        SaltError: If it is no such URI, or no bucket can have that name.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not is_uri(uri) or not _BUCKET.fullmatch(bucket):
        raise SaltError("is not a place in an object store", file=uri, expected="s3://bucket/key")
    return bucket, key
