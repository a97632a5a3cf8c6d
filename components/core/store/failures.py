"""Errors of the object store and of the connection to it."""

from typing import Any
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, ReadTimeoutError, SSLError

from salt_pipeline.components.core.errors import SaltError, ServiceError
from salt_pipeline.components.core.store.connection import PASSING_STATUSES
from salt_pipeline.components.core.store.credentials import NoCredentials

_PROBLEMS = {
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "not found",
    "InvalidAccessKeyId": "the store does not know the access key: check SALT_S3_ACCESS_KEY",
    "SignatureDoesNotMatch": "the secret key is not that of the access key: check SALT_S3_SECRET_KEY",
    "ExpiredToken": "the credentials of the store have expired",
    "AccessDenied": "these credentials have no permission for it",
    "XMinioStorageFull": "the store's disk is full",
    "EntityTooLarge": "is too large for the store",
    "RequestTimeTooSkewed": "the clocks of this machine and of the store differ too much",
}


class StoreError(ServiceError):
    """The object store did not do what was asked of it, or could not be reached.

    Args:
        problem: What is wrong, in a few words.
        code: S3's error code, such as NoSuchKey; None if the store did not give one.
        **facts: As in `ServiceError`.
    """

    def __init__(self, problem: str, *, code: str | None = None, **facts: Any) -> None:
        super().__init__(problem, **facts)
        self.code = code


def store_error(error: Exception, uri: str, endpoint: str) -> StoreError:
    """Describes a failure in one line that a user can act on; it contains no credentials.

    Args:
        error: What minio-py or urllib3 raised.
        uri: What the call was about.
        endpoint: The address of the store.
    """
    if isinstance(error, NoCredentials):
        problem = "no credentials for the store"
        return StoreError(problem, file=uri, field=error.source, found=error, passing=error.passing)
    if not isinstance(error, S3Error | ServerError | InvalidResponseError | HTTPError | ParseError):
        return StoreError("is rejected", file=uri, found=error)
    status = _status(error)
    passing = status in PASSING_STATUSES or (isinstance(error, HTTPError) and not isinstance(error, SSLError))
    problem, found = _description(error, status)
    code = error.code if isinstance(error, S3Error) else None
    return StoreError(problem, code=code, file=uri, field=endpoint, found=found, status=status, passing=passing)


def code_of(error: SaltError) -> str | None:
    """S3's error code; None if the error is another one."""
    return error.code if isinstance(error, StoreError) else None


def _status(error: Exception) -> int | None:
    """HTTP status of the store's answer; None if there was none."""
    if isinstance(error, S3Error):
        return error.response.status
    if isinstance(error, ServerError):
        return error.status_code
    return error._code if isinstance(error, InvalidResponseError) else None


def _description(error: Exception, status: int | None) -> tuple[str, str | None]:
    """The problem, and what was found."""
    if isinstance(error, S3Error):
        known = _PROBLEMS.get(error.code or "")
        return known or "the store rejected the request", None if known else f"{error.code}: {error.message}"
    if isinstance(error, SSLError):
        return "its certificate is not trusted: check SALT_S3_CA_FILE", str(error.args[0] if error.args else error)
    if isinstance(error, HTTPError):
        return "the store does not answer", _reason(error)
    if isinstance(error, ParseError):
        return "no object store answers there", "an answer that is not XML"
    return "no object store answers there, or it is failing", f"HTTP {status}"


def _reason(error: BaseException) -> str:
    """The operating system's message, which an error of urllib3 holds several levels down."""
    inner = [part for part in (error.__cause__, error.__context__, *error.args) if isinstance(part, BaseException)]
    for part in inner:
        if isinstance(part, OSError) and part.strerror:
            return part.strerror
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError | TimeoutError):
        return "no answer in time"
    return _reason(inner[0]) if inner else type(error).__name__
