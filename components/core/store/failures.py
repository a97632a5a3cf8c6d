"""What it means when the object store, or the way to it, fails."""

from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, ReadTimeoutError, SSLError

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.credentials import NoCredentials

_MEANING = {
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "is not there",
    "InvalidAccessKeyId": "the store does not know the access key: look at SALT_S3_ACCESS_KEY",
    "SignatureDoesNotMatch": "the secret key is not that of the access key: look at SALT_S3_SECRET_KEY",
    "ExpiredToken": "the credentials of the store have expired",
    "AccessDenied": "these keys have no right to it",
    "XMinioStorageFull": "the store's disk is full",
    "EntityTooLarge": "is too large for the store",
    "RequestTimeTooSkewed": "the clocks of this machine and of the store differ too much",
}

_PASSING = {429, 500, 502, 503, 504}
"""HTTP's statuses of a server that is busy, begins, or is away behind a proxy."""


def may_pass(error: Exception) -> bool:
    """Whether the same call may well succeed in a while."""
    if isinstance(error, NoCredentials):
        return error.passing
    if isinstance(error, S3Error):
        return error.response.status in _PASSING
    if isinstance(error, ServerError):
        return error.status_code in _PASSING
    if isinstance(error, InvalidResponseError):
        return error._code in _PASSING
    return isinstance(error, HTTPError) and not isinstance(error, SSLError)


def told(error: Exception, uri: str, endpoint: str) -> SaltError:
    """The failure in one line that a user can act on; no key is in it."""
    if isinstance(error, S3Error):
        meaning = _MEANING.get(error.code or "")
        found = None if meaning else f"{error.code}: {error.message}"
        return SaltError(meaning or "the store refuses", file=uri, field=endpoint, found=found)
    if isinstance(error, SSLError):
        found = str(error.args[0] if error.args else error)
        return SaltError(
            "its certificate is not trusted: look at SALT_S3_CA_FILE", file=uri, field=endpoint, found=found
        )
    if isinstance(error, HTTPError):
        return SaltError("the store does not answer", file=uri, field=endpoint, found=_reason(error))
    if isinstance(error, ServerError | InvalidResponseError):
        status = error.status_code if isinstance(error, ServerError) else error._code
        return SaltError(
            "no object store answers there, or it is in trouble", file=uri, field=endpoint, found=f"HTTP {status}"
        )
    if isinstance(error, ParseError):
        return SaltError("no object store answers there", file=uri, field=endpoint, found="no XML")
    source = error.source if isinstance(error, NoCredentials) else None
    return SaltError("no credentials for the store" if source else "is refused", file=uri, field=source, found=error)


def code_of(error: SaltError) -> str | None:
    """S3's name of the failure that an error tells of."""
    return error.__cause__.code if isinstance(error.__cause__, S3Error) else None


def _reason(error: BaseException) -> str:
    """The operating system's word, from the depths of an error of urllib3's."""
    inner = [part for part in (error.__cause__, error.__context__, *error.args) if isinstance(part, BaseException)]
    for part in inner:
        if isinstance(part, OSError) and part.strerror:
            return part.strerror
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError | TimeoutError):
        return "no answer in time"
    return _reason(inner[0]) if inner else type(error).__name__
