"""Failures of MLflow, each in one line that names the cause and its fix; none contains credentials."""

import errno
import re
from typing import Any

from salt_pipeline.components.core.errors import ServiceError

REFUSALS = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS")
"""MLflow's error codes for a call that would fail again, such as one for a deleted run."""

CREDENTIALS = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
"""The variables with the credentials of a server."""

_KNOWN = (
    (r"Failed to convert .* for (\w+):", "{}: is not a value that MLflow takes", False),
    (r"too many (\d+) error responses", "answers with HTTP {}", True),
    (r"NameResolutionError|Failed to resolve", "cannot be reached: no such host", True),
    (r"timed out", "cannot be reached: no answer in time", True),
    (r"SSLError|SSL:", "no TLS, or a certificate that is not trusted: see MLFLOW_TRACKING_SERVER_CERT_PATH", False),
    (r"connection: \[Errno -?\d+\] ([\w ]+)", "cannot be reached: {}", True),
    (r"failed with exception", "cannot be reached", True),
    (
        r"Can't load plugin: sqlalchemy",
        "names a database or a driver that is not known: check MLFLOW_TRACKING_URI",
        False,
    ),
    (r"databricks-sdk", "needs the package databricks-sdk, and credentials for Databricks", False),
    (r"Invalid url", "is not an address: check MLFLOW_TRACKING_URI", False),
    (r"not in a valid JSON format", "no MLflow server answers there: check MLFLOW_TRACKING_URI", False),
    (r"^INTERNAL_ERROR: Response: ", "no MLflow server answers there: check MLFLOW_TRACKING_URI", False),
    (r"database is locked", "is locked by another program", True),
    (r"database or disk is full", "the disk is full", True),
    (r"readonly database", "cannot be written: check its permissions", False),
)
"""What MLflow's messages contain, what is reported then, and whether it may pass; the first that is found decides."""

_CODES = {
    "UNAUTHENTICATED": f"rejected the credentials (HTTP 401): check {CREDENTIALS}",
    "PERMISSION_DENIED": f"denied the permission (HTTP 403): check {CREDENTIALS}",
    "ENDPOINT_NOT_FOUND": "no MLflow server answers there (HTTP 404): check MLFLOW_TRACKING_URI",
}
"""What is reported for MLflow's codes of HTTP's statuses; none of them passes."""


class TrackingError(ServiceError):
    """MLflow could not be used; if the failure does not pass, the user has to fix something."""


def tracking_error(error: Exception, address: str) -> TrackingError:
    """Describes whatever MLflow's client raised.

    Args:
        error: What it raised.
        address: The address of MLflow.
    """
    if isinstance(error, TrackingError):
        return error
    place = f"MLflow at {address}"
    if isinstance(error, OSError) and error.filename:  # of the file or its folder; a connection has none
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return TrackingError(f"cannot be used by MLflow: {error.strerror}", file=error.filename, passing=full)
    code = getattr(error, "error_code", None)
    if code in _CODES:
        return TrackingError(_CODES[code], file=place)
    text = str(error)
    for pattern, problem, passing in _KNOWN:
        if found := re.search(pattern, text):
            known = problem.format(*map(str.lower, found.groups()))
            return TrackingError(known, file=place, passing=passing)
    if isinstance(error, ImportError):
        return TrackingError("its driver is not installed", file=place, found=error)
    return TrackingError("failed", file=place, found=first_line(error), passing=not _is_final(error, code))


def is_refusal(error: Exception) -> bool:
    """Whether the same call would fail again although MLflow works."""
    ours = isinstance(error, FileNotFoundError | LookupError | TypeError | AttributeError)
    return ours or getattr(error, "error_code", None) in REFUSALS


def first_line(error: object) -> str:
    """The first line of the message of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _is_final(error: Exception, code: Any) -> bool:
    return code in REFUSALS or type(error).__name__ == "ArgumentError"  # SQLAlchemy's, for a URI that it cannot read
