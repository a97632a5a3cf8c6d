"""Uploads in parts: parts that the store already has are not sent again, and a write can be conditional.

minio-py's own upload starts over each time and accepts no conditions, so the calls behind it are made here, and only
here; they are private to that library, whose version is locked.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import IO, Protocol, TypeVar
from xml.etree.ElementTree import Element, SubElement, tostring

from minio import Minio
from minio.datatypes import CompleteMultipartUploadResult
from minio.error import ServerError
from minio.helpers import DictType, md5sum_hash

T = TypeVar("T")

PART = 8 << 20
"""Bytes of a part; S3 requires at least 5 MiB."""

SHA256 = "sha256"
"""Key of the checksum in the metadata."""

MOST_PARTS = 10_000
"""Largest number of parts of an object in S3."""

Progress = Callable[[int, int], object]
"""Called with the bytes done and the bytes in total."""


class Retry(Protocol):
    """Makes a call, and repeats it if the failure may pass."""

    def __call__(self, action: Callable[[], T]) -> T: ...  # noqa: D102


@dataclass(frozen=True)
class Content:
    """Size and checksums of a file to upload.

    Attributes:
        size: Bytes.
        part: Bytes of each part but the last.
        sha256: Of the complete file, hexadecimal.
        md5s: Of each part.
    """

    size: int
    part: int
    sha256: str
    md5s: tuple[bytes, ...]

    @cached_property
    def etag(self) -> str:
        """The ETag that S3 gives to an upload in these parts."""
        if len(self.md5s) == 1:
            return self.md5s[0].hex()
        return f"{hashlib.md5(b''.join(self.md5s), usedforsecurity=False).hexdigest()}-{len(self.md5s)}"


def read_content(file: IO[bytes]) -> Content:
    """Reads a file once and computes its checksums."""
    size = file.seek(0, 2)
    part = max(PART, -(-size // MOST_PARTS))
    sha256 = hashlib.sha256()
    md5s: list[bytes] = []
    file.seek(0)
    while (piece := file.read(part)) or not md5s:
        sha256.update(piece)
        md5s.append(hashlib.md5(piece, usedforsecurity=False).digest())
    return Content(size, part, sha256.hexdigest(), tuple(md5s))


class Uploader:
    """Uploads a file to an object.

    Args:
        client: The store's client.
        bucket: Bucket of the object.
        key: Key of the object.
        retry: Makes each call.
    """

    def __init__(self, client: Minio, bucket: str, key: str, retry: Retry) -> None:
        self.client, self.place, self.retry = client, (bucket, key), retry

    def send(
        self,
        file: IO[bytes],
        content: Content,
        metadata: Mapping[str, str],
        *,
        conditions: Mapping[str, str],
        resume: bool,
        progress: Progress,
    ) -> None:
        """Sends a file; the object appears only once it is complete.

        Args:
            file: The file.
            content: Its checksums.
            metadata: The object's metadata.
            conditions: Headers of a conditional write, such as If-Match.
            resume: Resume an upload that began with the same parts, and keep an interrupted one so that it can be
                resumed.
            progress: Called after each part.
        """
        headers: DictType = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
        if len(content.md5s) == 1:
            file.seek(0)
            body = file.read(content.part)
            self.retry(lambda: self.client._put_object(*self.place, body, {**headers, **conditions}))
            progress(content.size, content.size)
            return
        upload, etags = self._begun(content) if resume else ("", [])
        upload = upload or self.retry(lambda: self.client._create_multipart_upload(*self.place, {**headers}))
        try:
            self._send_parts(file, content, upload, etags, progress)
            self.retry(lambda: self._complete(etags, upload, conditions))
        except BaseException:
            if not resume:
                self._abort(upload)
            raise

    def _send_parts(self, file: IO[bytes], content: Content, upload: str, etags: list[str], progress: Progress) -> None:
        """Sends the parts after those in `etags`, and appends their ETags."""
        progress(len(etags) * content.part, content.size)
        file.seek(len(etags) * content.part)
        while len(etags) < len(content.md5s):
            body = file.read(content.part)
            send = partial(self.client._upload_part, *self.place, body, None, upload, len(etags) + 1)
            etags.append(self.retry(send))
            progress(min(len(etags) * content.part, content.size), content.size)

    def _begun(self, content: Content) -> tuple[str, list[str]]:
        """Finds the unfinished upload with the most parts of this file and no other part; returns its id and ETags."""
        best: tuple[str, list[str]] = ("", [])
        bucket, key = self.place
        listed = self.retry(lambda: self.client._list_multipart_uploads(bucket, prefix=key))
        for upload in listed.uploads:
            if upload.object_name == key and upload.upload_id:
                sent = self._parts(upload.upload_id)
                if len(sent) > len(best[1]) and sent == [md5.hex() for md5 in content.md5s[: len(sent)]]:
                    best = (upload.upload_id, sent)
        return best

    def _parts(self, upload: str) -> list[str]:
        """ETags of an upload's parts, up to the first gap."""
        etags: list[str] = []
        while True:
            list_parts = partial(self.client._list_parts, *self.place, upload, part_number_marker=str(len(etags)))
            page = self.retry(list_parts)
            for part in page.parts:
                if part.part_number != len(etags) + 1:
                    return etags
                etags.append(part.etag)
            if not page.is_truncated:
                return etags

    def _complete(self, etags: list[str], upload: str, conditions: Mapping[str, str]) -> None:
        root = Element("CompleteMultipartUpload", xmlns="http://s3.amazonaws.com/doc/2006-03-01/")
        for number, etag in enumerate(etags, 1):
            part = SubElement(root, "Part")
            SubElement(part, "PartNumber").text = str(number)
            SubElement(part, "ETag").text = f'"{etag}"'
        body = tostring(root)
        headers: DictType = {"Content-Type": "application/xml", "Content-MD5": str(md5sum_hash(body)), **conditions}
        response = self.client._execute("POST", *self.place, body, headers, {"uploadId": upload})
        if not CompleteMultipartUploadResult(response).etag:  # S3 may report an error after it has answered with 200
            raise ServerError("the upload was not completed", 500)

    def _abort(self, upload: str) -> None:
        with suppress(Exception):  # the store removes what is left of it after a day
            self.client._abort_multipart_upload(*self.place, upload)
