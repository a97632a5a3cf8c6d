"""A client of the object store that waits where waiting helps, and tells in one line where it does not."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.datatypes import Object
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.connection import ANSWER, Connections
from salt_pipeline.components.core.store.credentials import NoCredentials, provider
from salt_pipeline.components.core.store.failures import store_error
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.uris import split_uri

log = logging.getLogger(__name__)

T = TypeVar("T")

HASTE = 5.0
"""Seconds in which a store must answer for the first time."""


@dataclass(frozen=True)
class Stat:
    """What the store says of an object.

    Attributes:
        size: Bytes.
        etag: Changes with the content.
        metadata: What was given at its upload, by names in lower case; empty in a listing.
        modified: When it was written.
    """

    size: int
    etag: str
    metadata: dict[str, str]
    modified: datetime

    @classmethod
    def of(cls, found: Object) -> Self:
        """Takes what is of use from minio-py's answer."""
        given = {name.lower(): value for name, value in (found.metadata or {}).items()}
        prefix = "x-amz-meta-"
        metadata = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
        assert found.last_modified is not None
        return cls(found.size or 0, found.etag or "", metadata, found.last_modified)


class Client:
    """minio-py's client, its connections, and what to do when a call fails.

    Args:
        settings: Where the store is.
        patience: Seconds that it may be away once it has answered.

    Raises:
        SaltError: If no store is set.
    """

    def __init__(self, settings: StoreSettings, patience: float) -> None:
        if not settings.configured:
            expected = "the address of an object store, and SALT_S3_ACCESS_KEY and SALT_S3_SECRET_KEY"
            raise SaltError("is not set", field="SALT_S3_ENDPOINT", expected=expected)
        self.patience = patience
        self.endpoint = settings.endpoint or "https://s3.amazonaws.com"
        self._answered = False
        self._http = Connections(str(settings.ca_file) if settings.ca_file else None)
        self._http.answer = 2 * HASTE
        self.minio = Minio(
            urlsplit(self.endpoint).netloc, credentials=provider(settings, self._http),
            secure=settings.secure, region=settings.region, http_client=self._http,
        )  # fmt: skip

    def call(self, uri: str, action: Callable[[], T]) -> T:
        """Makes a call of minio-py; again, for a while, where it fails for a reason that may pass.

        Args:
            uri: What it is about.
            action: The call; it may be made several times.

        Raises:
            SaltError: If it fails for good.
        """
        since, pause = time.monotonic(), 0.2
        while True:
            try:
                result = action()
            except (MinioException, HTTPError, ParseError, NoCredentials, ValueError) as error:
                failure = store_error(error, uri, self.endpoint)
                self._answered |= isinstance(error, S3Error)
                if self._answered and pause == 0.2:  # a silent network takes its time to fail at all
                    since = time.monotonic()
                wait = self.patience if self._answered else min(HASTE, self.patience)
                if not failure.passing or time.monotonic() + pause > since + wait:
                    raise failure from error
                if pause == 0.2:
                    log.warning("%s; waiting for up to %.0f s", failure, wait)
                time.sleep(pause)
                pause = min(2 * pause, 5.0)
            else:
                self._answered, self._http.answer = True, ANSWER
                return result

    def check(self, bucket: str) -> None:
        """Makes sure that the store answers, takes the keys, and has a bucket."""
        self.call(f"s3://{bucket}", lambda: next(self.minio.list_objects(bucket), None))


def object_place(uri: str) -> tuple[str, str]:
    """Bucket and key of an object.

    Raises:
        SaltError: If the URI names none.
    """
    bucket, key = split_uri(uri)
    if not key or key.endswith("/"):
        raise SaltError("names no object", file=uri, expected="s3://bucket/key")
    return bucket, key
