"""The object store: MinIO or another store with the S3 API.

A failure is reported in one line, within seconds if the store has never answered; a store that has answered before is
waited for. Objects carry their SHA-256 in their metadata, and one that does not match it is refused.
"""

import hashlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, Expiration, LifecycleConfig, Rule

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.core.store.client import Client, Stat, object_place
from salt_pipeline.components.core.store.failures import StoreError
from salt_pipeline.components.core.store.multipart import SHA256, Content, Progress, Uploader, read_content
from salt_pipeline.components.core.store.ranges import receive
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.uris import split_uri

PATIENCE = 60.0
"""Seconds that a store which has answered may be unreachable."""

_OVERTAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "NoSuchUpload")
"""S3's error codes for an object, or for an upload that two processes resumed, that has changed meanwhile."""


def _silent(_done: int, _size: int) -> None:
    pass


class Store:
    """A client of the object store, safe to share among threads.

    Args:
        settings: Address and credentials; by default from the environment.
        patience: Seconds that the store may be unreachable during work.

    Raises:
        SaltError: If no store is set, or the settings are wrong. Every method raises it when the store cannot be
            reached, rejects the credentials, or does not have the bucket.
    """

    def __init__(self, settings: StoreSettings | None = None, *, patience: float = PATIENCE) -> None:
        self._client = Client(settings or StoreSettings(), patience)
        self._minio = self._client.minio

    def __repr__(self) -> str:
        return f"Store({self._client.endpoint})"

    def check(self, bucket: str) -> None:
        """Checks that the store answers, accepts the credentials and has the bucket."""
        self._client.check(bucket)

    def stat(self, uri: str) -> Stat | None:
        """Looks up an object.

        Returns:
            Its attributes; None if it does not exist.
        """
        bucket, key = object_place(uri)
        try:
            return Stat.of(self._client.call(uri, lambda: self._minio.stat_object(bucket, key)))
        except StoreError as error:
            if error.code in ("AccessDenied", "NoSuchKey"):
                self.check(bucket)  # the answer to a HEAD request has no body that gives the reason
            if error.code == "NoSuchKey":
                return None
            raise

    def upload(
        self,
        path: str | Path,
        uri: str,
        metadata: Mapping[str, str] | None = None,
        progress: Progress = _silent,
    ) -> bool:
        """Uploads a file; an interrupted upload is resumed.

        Args:
            path: The file.
            uri: The object.
            metadata: Strings to keep with it; its SHA-256 is added.
            progress: Called with the bytes in the store and the bytes of the file.

        Returns:
            False if the same content was there already.

        Raises:
            SaltError: If it cannot be read or sent, or did not arrive as it was sent.
        """
        object_place(uri)
        with _opened(path) as file:
            content = read_content(file)
            facts = {**(metadata or {}), SHA256: content.sha256}
            there = self.stat(uri)
            if there and (there.etag, there.size, there.metadata) == (content.etag, content.size, facts):
                return False
            for resume in (True, False):
                self._send(uri, file, content, facts, resume=resume, progress=progress)
                there = self.stat(uri)
                if there and there.metadata == facts:
                    break
        if there is None or there.metadata != facts or there.size != content.size:
            raise SaltError("is not what was uploaded: another process writes there too", file=uri)
        if there.etag != content.etag:  # a store that encrypts has other ETags: verify by reading the object back
            receive(self._client, uri, there, None, _silent)
        return True

    def replace(
        self, path: str | Path, uri: str, there: Stat | None, metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Uploads a file if the object is still what `stat` returned.

        Returns:
            False if another process has written it since; that object stays.
        """
        conditions = {"If-Match": f'"{there.etag}"'} if there else {"If-None-Match": "*"}
        with _opened(path) as file:
            content = read_content(file)
            facts = {**(metadata or {}), SHA256: content.sha256}
            return self._send(uri, file, content, facts, conditions=conditions)

    def download(self, uri: str, path: str | Path, progress: Progress = _silent) -> Stat:
        """Downloads an object to a file, which appears only once it is complete.

        Raises:
            SaltError: If it does not exist, or does not match the SHA-256 in its metadata.
        """
        with atomic_path(path) as part, part.open("wb") as file:
            return self._receive(uri, file, progress)

    def put(self, uri: str, data: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Writes a small object."""
        bucket, key = object_place(uri)
        facts: dict = {**(metadata or {}), SHA256: hashlib.sha256(data).hexdigest()}
        self._client.call(uri, lambda: self._minio.put_object(bucket, key, BytesIO(data), len(data), metadata=facts))

    def get(self, uri: str) -> bytes:
        """Reads a small object.

        Raises:
            SaltError: If it does not exist or was altered.
        """
        file = BytesIO()
        self._receive(uri, file)
        return file.getvalue()

    def list(self, uri_prefix: str) -> Iterator[tuple[str, Stat]]:
        """Lists the objects whose URI begins with `uri_prefix`."""
        bucket, prefix = split_uri(uri_prefix)
        found = self._client.call(uri_prefix, lambda: [*self._minio.list_objects(bucket, prefix, recursive=True)])
        return ((f"s3://{bucket}/{item.object_name}", Stat.of(item)) for item in found)

    def remove(self, uri: str) -> None:
        """Removes an object, if it exists."""
        bucket, key = object_place(uri)
        self._client.call(uri, lambda: self._minio.remove_object(bucket, key))

    def make_bucket(self, bucket: str) -> bool:
        """Creates a bucket.

        Returns:
            False if it existed.
        """
        uri = f"s3://{bucket}"
        if self._client.call(uri, lambda: self._minio.bucket_exists(bucket)):
            return False
        try:
            self._client.call(uri, lambda: self._minio.make_bucket(bucket))
        except StoreError as error:
            if error.code == "BucketAlreadyOwnedByYou":
                return False
            raise
        return True

    def expire(self, bucket: str, prefix: str, days: int) -> bool:
        """Has the store remove objects older than `days`; rules for other prefixes stay.

        Returns:
            False if that rule was set already.
        """
        uri = f"s3://{bucket}/{prefix}"
        known = self._client.call(uri, lambda: self._minio.get_bucket_lifecycle(bucket))
        rules = list(known.rules) if known else []
        name = f"salt: {prefix}"
        for rule in rules:
            if rule.rule_id == name and rule.status == ENABLED and rule.expiration and rule.expiration.days == days:
                return False
        rule = Rule(
            ENABLED,
            rule_filter=Filter(prefix=prefix),
            rule_id=name,
            expiration=Expiration(days=days),
            abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(days),
        )
        rules = [*(other for other in rules if other.rule_id != name), rule]
        self._client.call(uri, lambda: self._minio.set_bucket_lifecycle(bucket, LifecycleConfig(rules)))
        return True

    def _receive(self, uri: str, file: IO[bytes], progress: Progress = _silent) -> Stat:
        for _ in range(3):
            there = self.stat(uri)
            if there is None:
                raise SaltError("not found", file=uri)
            if receive(self._client, uri, there, file, progress):
                return there
        raise SaltError("keeps changing while it is read", file=uri)

    def _send(
        self,
        uri: str,
        file: IO[bytes],
        content: Content,
        metadata: Mapping[str, str],
        *,
        conditions: Mapping[str, str] | None = None,
        resume: bool = False,
        progress: Progress = _silent,
    ) -> bool:
        """Sends a file; False if another process wrote the object first."""
        uploader = Uploader(self._minio, *object_place(uri), lambda action: self._client.call(uri, action))
        try:
            uploader.send(file, content, metadata, conditions=conditions or {}, resume=resume, progress=progress)
        except StoreError as error:
            if error.code in _OVERTAKEN:
                return False
            raise
        return True


def _opened(path: str | Path) -> IO[bytes]:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror}", file=path) from error
