"""Checks of MLflow's SQLite file before MLflow opens it.

MLflow tries again for minutes to open a file that is locked or no database, and adds its tables to any database.
"""

import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from salt_pipeline.components.core.tracking.failures import TrackingError, tracking_error

LOCK_SECONDS = 5.0
"""Longest wait, in seconds, for another program that writes to the file."""


def check_sqlite(path: Path, address: str) -> None:
    """Checks that MLflow can use a file; one that does not exist yet is created later.

    Args:
        path: The file.
        address: Its URI.

    Raises:
        TrackingError: If it cannot be read or created, is no database, or has the tables of another version.
    """
    if not path.exists():
        folder = path.resolve().parent  # of a link, the folder of its target
        if not os.access(folder, os.W_OK):
            raise TrackingError("cannot be created: its folder does not exist or cannot be written", file=_place(path))
        return
    if not path.is_file():
        found = "a folder" if path.is_dir() else "a device, a pipe or a socket"
        raise TrackingError("is not an SQLite file", file=_place(path), found=found)
    tables, version = _tables(path)
    if not tables - {"alembic_version"}:
        return
    if not tables & {"alembic_version", "experiments"}:
        raise TrackingError("is the SQLite file of another program, not MLflow's", file=_place(path))
    head, known = _newest(version)
    if version == head:
        return
    upgrade = f"copy it, then run `mlflow db upgrade {shlex.quote(address)}`, or move it away"
    fix = upgrade if known else "install the MLflow that wrote it, or move it away"
    problem = f"its tables are of {'an older' if known else 'another'} version of MLflow: {fix}"
    raise TrackingError(problem, file=_place(path), found=version, expected=head)


def check_writable(path: Path) -> None:
    """Checks that a file and its folder can be written: SQLite also writes beside the file.

    Raises:
        TrackingError: If they cannot.
    """
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    for place in (path, folder):
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            raise TrackingError("cannot be written: check its permissions", file=_place(place))


def _place(path: Path) -> str:
    """A file or folder as messages name it: nobody may remember that MLFLOW_TRACKING_URI names one."""
    return f"MLflow at {path}"


def _tables(path: Path) -> tuple[set[str], str | None]:
    """The names of the tables, and the version of MLflow's; None if it is not recorded."""
    try:
        uri = f"file:{quote(str(path.absolute()))}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS)) as database:
            tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
            rows = database.execute("select version_num from alembic_version") if "alembic_version" in tables else ()
            return tables, next((str(version) for (version,) in rows), None)
    except sqlite3.OperationalError as error:
        raise tracking_error(error, str(path)) from None
    except sqlite3.DatabaseError as error:
        raise TrackingError(
            "is not an SQLite database, or is damaged: move it away", file=_place(path), found=error
        ) from None


def _newest(version: str | None) -> tuple[str, bool]:
    """The version of the installed MLflow's tables, and whether it can upgrade tables of `version`."""
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError
    from mlflow.store.db.utils import _get_alembic_config

    scripts = ScriptDirectory.from_config(_get_alembic_config(""))
    try:
        known = version is None or scripts.get_revision(version) is not None
    except CommandError:
        known = False
    return str(scripts.get_current_head()), known
