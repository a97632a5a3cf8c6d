"""MLflow's SQLite file: out of date, damaged, locked, or another program's."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from salt_pipeline.components.core.tracking import sqlite_file
from salt_pipeline.components.core.tracking.failures import TrackingError
from salt_pipeline.components.core.tracking.server import open_client

Spoil = Callable[[Path], object]


def change(statement: str) -> Spoil:
    """Changes a copy of MLflow's file."""

    def spoil(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement)

    return spoil


def half_migrated(path: Path) -> None:
    """Leaves the version of an old schema, and one of its tables."""
    path.unlink()
    change("create table alembic_version (version_num varchar(32) not null)")(path)
    change("insert into alembic_version values ('bda7b8c39065')")(path)
    change("create table experiments (experiment_id integer primary key, name varchar(256))")(path)


def of_another_program(path: Path) -> None:
    path.unlink()
    change("create table songs (name text)")(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("no/such/mlflow.db")


OLD = change("update alembic_version set version_num = 'bda7b8c39065'")
NEWER = change("update alembic_version set version_num = 'ffffffffffff'")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (OLD, "of an older version of MLflow: copy it, then run `mlflow db upgrade sqlite:///"),
        (half_migrated, "of an older version of MLflow: copy it, then run `mlflow db upgrade sqlite:///"),
        (NEWER, "of another version of MLflow: install the MLflow that wrote it"),
        (of_another_program, "is the SQLite file of another program, not MLflow's"),
        (lambda path: path.write_bytes(b"no database at all\n" * 99), "is not an SQLite database"),
        (lambda path: os.truncate(path, path.stat().st_size // 2), "is not an SQLite database, or is damaged"),
        (a_folder, "is not an SQLite file (found a folder)"),
        (a_link_to_nowhere, "cannot be created: its folder does not exist or cannot be written"),
        (a_pipe, "is not an SQLite file (found a device, a pipe or a socket)"),
    ],
)
def test_a_file_that_mlflow_cannot_use_is_refused_and_not_changed(
    tmp_path: Path, empty_mlflow: Path, spoil: Spoil, words: str
) -> None:
    file = tmp_path / "mlflow.db"
    shutil.copyfile(empty_mlflow, file)
    spoil(file)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(TrackingError) as caught:
        open_client(f"sqlite:///{file}")
    assert str(caught.value).startswith(f"MLflow at {file}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not caught.value.passing
    assert (file.read_bytes() if file.is_file() else None) == before


def test_a_locked_file_may_be_free_later(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "LOCK_SECONDS", 0.05)
    file = tmp_path / "mlflow.db"
    shutil.copyfile(empty_mlflow, file)
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("begin exclusive")
        with pytest.raises(TrackingError, match="is locked by another program") as caught:
            open_client(f"sqlite:///{file}")
    assert caught.value.passing
    open_client(f"sqlite:///{file}")


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    sqlite_file.check_sqlite(tmp_path / "mlflow.db", f"sqlite:///{tmp_path}/mlflow.db")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    file.touch(0o400)
    with pytest.raises(TrackingError, match="cannot be written: check its permissions"):
        sqlite_file.check_writable(file)
