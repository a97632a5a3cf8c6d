"""URIs of objects in an object store: s3://bucket/key."""

import re

from salt_pipeline.components.core.errors import SaltError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def is_uri(text: str) -> bool:
    """Whether a text is the URI of an object, or of a prefix of objects."""
    return text.startswith("s3://")


def split_uri(uri: str) -> tuple[str, str]:
    """Splits a URI.

    Returns:
        Bucket and key; the key is empty if only a bucket is named.

    Raises:
        SaltError: If it is not such a URI, or the name of the bucket is not valid.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not is_uri(uri) or not _BUCKET.fullmatch(bucket):
        raise SaltError("is not a place in an object store", file=uri, expected="s3://bucket/key")
    return bucket, key
