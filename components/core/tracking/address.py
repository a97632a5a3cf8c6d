"""Addresses of MLflow: what MLFLOW_TRACKING_URI may name, and the URI of an SQLite file."""

import re
from pathlib import Path
from urllib.parse import unquote

from salt_pipeline.components.core.http_address import is_http_address
from salt_pipeline.components.core.tracking.failures import TrackingError

VARIABLE = "MLFLOW_TRACKING_URI"
"""The environment variable that names MLflow."""

_SQLITE = re.compile(r"sqlite(\+\w+)?:///")
_DATABASE = re.compile(r"(postgresql|mysql|mssql)(\+\w+)?://.+")
_SPECIAL = "%?#"
"""Characters of a path that have a meaning in a URI."""


def sqlite_uri(path: Path) -> str:
    """The URI of an SQLite file, whatever its path contains.

    For a quoted path the URI names the driver too: for `sqlite:///` alone, MLflow creates a second folder, whose name
    is the quoted one.
    """
    text = str(path)
    if not any(character in text for character in _SPECIAL):
        return f"sqlite:///{text}"
    for character in _SPECIAL:
        text = text.replace(character, f"%{ord(character):02X}")
    return f"sqlite+pysqlite:///{text}"


def sqlite_file(address: str) -> Path | None:
    """The file of an SQLite URI; None if the address is another one."""
    found = _SQLITE.match(address)
    return Path(unquote(address[found.end() :].partition("?")[0])) if found else None


def check_address(address: str) -> None:
    """Checks that MLflow can record at an address of this form; nothing is opened.

    Raises:
        TrackingError: If it cannot.
    """
    if address.startswith("databricks") or _DATABASE.fullmatch(address):
        return
    file = sqlite_file(address)
    good = is_http_address(address) if file is None else file.name not in ("", ":memory:") and "?" not in address
    if not good:
        expected = "http(s)://host:port, or sqlite:///FILE with %3F for `?`, %23 for `#` and %25 for `%`"
        raise TrackingError("is not an address of MLflow", field=VARIABLE, found=repr(address), expected=expected)
