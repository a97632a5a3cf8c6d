"""The lock of a folder, held by real processes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.lock import LOCK, locked


def test_the_folder_is_created_and_the_lock_names_its_holder(tmp_path: Path) -> None:
    with locked(tmp_path / "runs" / "first"):
        text = (tmp_path / "runs" / "first" / LOCK).read_text()
    assert re.fullmatch(rf"process {os.getpid()}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", text)


def test_a_second_holder_is_refused_with_the_first_one_s_number_and_writes_nothing(tmp_path: Path) -> None:
    with locked(tmp_path):
        held = (tmp_path / LOCK).read_text()
        with pytest.raises(SaltError) as error, locked(tmp_path):
            pytest.fail("the block must not start")
        assert str(error.value) == f"{tmp_path}: another process runs in this folder (found {held.strip()})"
        assert (tmp_path / LOCK).read_text() == held
    with locked(tmp_path):
        pass


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["log.txt", "log-debug.txt"])
def test_a_pipe_or_a_device_in_place_of_a_log_is_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(SaltError, match=rf"{name}: is not a regular file \(found a pipe"), locked(tmp_path):
        pytest.fail("the block must not start")
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(SaltError, match=rf"{name}: is not a regular file \(found a device"), locked(tmp_path):
        pytest.fail("the block must not start")


def sleeper(lock: int) -> subprocess.Popen[bytes]:
    """A process that holds the lock by its standard input, as kfp.local's processes do, until it is ended."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdin=lock)


def test_the_lock_is_held_until_the_last_process_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salt_pipeline.pipelines.local.lock.PATIENCE", 0.0)
    with locked(tmp_path) as lock:
        left = sleeper(lock)
    try:
        with pytest.raises(SaltError, match=r"another process runs"), locked(tmp_path):
            pytest.fail("the block must not start")
        (tmp_path / LOCK).write_text(f"process {ended()}, since yesterday\n")
        with pytest.raises(SaltError, match=r"processes of an earlier run.*still run in this"), locked(tmp_path):
            pytest.fail("the block must not start")
    finally:
        left.kill()
        left.wait()
    with locked(tmp_path):
        pass


def ended() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_what_a_killed_run_leaves_is_given_time_to_end(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"], stdin=lock)
    (tmp_path / LOCK).write_text(f"process {ended()}, since yesterday\n")
    with locked(tmp_path):
        assert left.wait() == 0


@pytest.mark.parametrize(
    "text", ["", "x", "process x", "process 99999999999999999999", "process 1, since ever", "\x00"]
)
def test_a_lock_without_a_holder_s_number_is_refused_at_once(tmp_path: Path, text: str) -> None:
    with locked(tmp_path):
        (tmp_path / LOCK).write_text(text)
        with pytest.raises(SaltError, match="another process runs in this folder"), locked(tmp_path):
            pytest.fail("the block must not start")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SaltError, match=r"run: --out: cannot be written: Not a directory"),
        locked(tmp_path / "file/run"),
    ):
        pytest.fail("the block must not start")


def test_a_full_disk_is_named_with_the_lock(tmp_path: Path) -> None:
    (tmp_path / LOCK).symlink_to("/dev/full")
    with pytest.raises(SaltError, match=rf"{LOCK}: cannot be written: "), locked(tmp_path):
        pass
