"""URIs of objects in an object store: s3://bucket/key."""

import re

from salt_pipeline.components.core.errors import SaltError

_BUCKET = re.compile(
    r"(?!xn--|\d+(\.\d+){3}$)(?!.*(\.\.|\.-|-\.))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""How the URI of any kind begins, also one with a slash too few; a path that begins so is written with ./ before it."""

BUCKET_NAME = "3 to 63 lower-case letters, digits, dots and hyphens, no IP address"
"""The rule of a bucket's name, in words."""


def is_uri(text: str) -> bool:
    """Whether a text is the URI of an object, or of a prefix of objects; otherwise it is a path.

    Raises:
        SaltError: If it is a URI of another kind.
    """
    if text.startswith("s3://"):
        return True
    if _SCHEME.match(text):
        raise SaltError("is a URI of a kind that is not supported", file=text, expected="s3://bucket/key, or a path")
    return False


def is_bucket(name: str) -> bool:
    """Whether a name is one that a bucket can have."""
    return _BUCKET.fullmatch(name) is not None


def split_uri(uri: str) -> tuple[str, str]:
    """Splits a URI.

    Returns:
        Bucket and key; the key is empty if only a bucket is named.

    Raises:
        SaltError: If it is not such a URI, or the name of the bucket is not valid.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not is_uri(uri) or not is_bucket(bucket):
        raise SaltError("is not a place in an object store", file=uri, expected="s3://bucket/key")
    return bucket, key
