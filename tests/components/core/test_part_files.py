"""Partial files: their names, the lock on their folder, and which of them the next process removes."""

import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core import part_files
from salt_pipeline.components.core.part_files import part_file

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=255).filter(
    lambda name: name not in (".", "..")
)


@pytest.fixture(autouse=True)
def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgets which folders this process has swept."""
    monkeypatch.setattr(part_files, "_swept", set())


def leave(folder: Path, name: str = ".other.0123abcd.part") -> Path:
    """A partial file as a killed process leaves it."""
    left = folder / name
    left.touch()
    return left


def is_locked(folder: Path) -> bool:
    """Whether a process that wants to sweep the folder finds a writer in it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@settings(deadline=None, max_examples=50)
@given(names)
def test_the_partial_file_of_any_name_fits_its_folder_and_is_removed_by_the_next_process(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    with part_file(tmp_path_factory.getbasetemp() / name) as part:
        assert part.parent == tmp_path_factory.getbasetemp()
        assert part.name.startswith(f".{name[:60]}.")
        assert not part.exists()
    left = leave(folder, part.name)
    with part_file(folder / "next"):
        assert not left.exists()


def test_only_files_are_removed(tmp_path: Path) -> None:
    leave(tmp_path)
    (tmp_path / ".folder.0123abcd.part").mkdir()
    (tmp_path / "own").touch()
    (tmp_path / ".link.0123abcd.part").symlink_to(tmp_path / "own")
    with part_file(tmp_path / "next"):
        found = {path.name for path in tmp_path.iterdir()}
    assert found == {".folder.0123abcd.part", ".link.0123abcd.part", "own"}


def test_a_process_sweeps_a_folder_once(tmp_path: Path) -> None:
    with part_file(tmp_path / "first"):
        left = leave(tmp_path)
    with part_file(tmp_path / "second"):
        assert left.exists()


def test_a_folder_in_which_another_process_writes_is_swept_at_a_later_write(tmp_path: Path) -> None:
    left = leave(tmp_path)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_SH)
    try:
        with part_file(tmp_path / "first"):
            assert left.exists()
    finally:
        os.close(other)
    with part_file(tmp_path / "second"):
        assert not left.exists()


def test_the_folder_is_locked_until_the_last_of_its_writers_ends(tmp_path: Path) -> None:
    with part_file(tmp_path / "file") as one:
        with part_file(tmp_path / "file") as other:
            assert one != other
            assert is_locked(tmp_path)
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_a_block_that_fails_releases_the_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="failed"), part_file(tmp_path / "file"):
        raise KeyError("failed")
    assert not is_locked(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), part_file(tmp_path / "none" / "file"):
        pytest.fail("the block must not start")
