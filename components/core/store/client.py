"""Calls to the object store: repeated while a failure may pass, otherwise reported in one line."""

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
from salt_pipeline.components.core.store.failures import StoreError, store_error
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.uris import split_uri

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_ANSWER = 5.0
"""Seconds within which a store must answer for the first time."""


@dataclass(frozen=True)
class Stat:
    """Attributes of an object in the store.

    Attributes:
        size: Bytes.
        etag: Changes with the content.
        metadata: Metadata of its upload, by names in lower case; empty in a listing.
        modified: Time of the last write.
    """

    size: int
    etag: str
    metadata: dict[str, str]
    modified: datetime

    @classmethod
    def of(cls, found: Object) -> Self:
        """Converts minio-py's answer."""
        given = {name.lower(): value for name, value in (found.metadata or {}).items()}
        prefix = "x-amz-meta-"
        metadata = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
        if found.last_modified is None:
            raise StoreError("no object store answers there", file=f"s3://{found.bucket_name}/{found.object_name}")
        return cls(found.size or 0, found.etag or "", metadata, found.last_modified)


class Client:
    """minio-py's client, its connections, and the retries of failed calls.

    Args:
        settings: Address and credentials of the store.
        patience: Seconds that it may be unreachable once it has answered.

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
        self._http.answer = 2 * FIRST_ANSWER
        self.minio = Minio(
            urlsplit(self.endpoint).netloc,
            credentials=provider(settings, self._http),
            secure=settings.secure,
            region=settings.region,
            http_client=self._http,
        )

    def call(self, uri: str, action: Callable[[], T]) -> T:
        """Makes a call of minio-py and repeats it for a while if the failure may pass.

        Args:
            uri: The URI that the call is about.
            action: The call; it may be made several times.

        Raises:
            SaltError: If the call fails finally.
        """
        since, pause = time.monotonic(), 0.2
        while True:
            try:
                result = action()
            except (MinioException, HTTPError, ParseError, NoCredentials, ValueError) as error:
                failure = store_error(error, uri, self.endpoint)
                self._answered |= isinstance(error, S3Error)
                if self._answered and pause == 0.2:  # a network that drops packets takes seconds to fail
                    since = time.monotonic()
                wait = self.patience if self._answered else min(FIRST_ANSWER, self.patience)
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
        """Checks that the store answers, accepts the credentials and has the bucket."""
        self.call(f"s3://{bucket}", lambda: next(self.minio.list_objects(bucket), None))


def object_place(uri: str) -> tuple[str, str]:
    """Bucket and key of an object.

    Raises:
        SaltError: If the URI does not name an object.
    """
    bucket, key = split_uri(uri)
    if not key or key.endswith("/"):
        raise SaltError("does not name an object", file=uri, expected="s3://bucket/key")
    return bucket, key
