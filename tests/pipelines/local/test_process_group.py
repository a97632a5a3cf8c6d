"""Real groups of processes, which end with the process that began them, however that ends."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from salt_pipeline.pipelines.local.process_group import process_group

# The group's first process starts another one, as kfp.local does: from a thread, through a shell, with a pipe.
FIRST = """
import subprocess, sys, threading
def run():
    script = '"$0" -c "import time; print(1, flush=True); time.sleep(600)"; true'
    process = subprocess.Popen(["sh", "-ec", script, sys.executable], stdout=subprocess.PIPE)
    process.stdout.readline()
    print("started", flush=True)
    process.wait()
threading.Thread(target=run).start()
"""

# A shell has what it starts in the background ignore some signals, and so would all that pytest starts.
SALT = """
import fcntl, os, signal, sys
from salt_pipeline.pipelines.local.process_group import process_group
for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(sign, signal.SIG_DFL)
with open(sys.argv[1]) as lock, open(sys.argv[2], "a") as log:
    fcntl.flock(lock, fcntl.LOCK_EX)
    with process_group([sys.executable, "-c", sys.argv[3]], lock=lock.fileno(), log=log, environment=os.environ) as it:
        print(it.pid, flush=True)
        it.wait()
"""


def begin(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    """A process with a group that has begun; the number of the group's first process."""
    (tmp_path / "lock").touch()
    (tmp_path / "log").touch()
    words = [str(tmp_path / "lock"), str(tmp_path / "log"), FIRST]
    salt = subprocess.Popen([sys.executable, "-c", SALT, *words], stdout=subprocess.PIPE, text=True)
    assert salt.stdout
    first = int(salt.stdout.readline())
    while (tmp_path / "log").read_text() != "started\n":
        assert salt.poll() is None
    return salt, first


def wait_for_the_end(tmp_path: Path, salt: subprocess.Popen[str]) -> None:
    """Waits until no process of the group holds the lock, which each has as its standard input."""
    salt.wait()
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("killed", [["salt"], ["first"], ["salt", "first"], ["first", "salt"]])
def test_no_process_is_left_after_a_kill(tmp_path: Path, killed: list[str]) -> None:
    salt, first = begin(tmp_path)
    for name in killed:
        os.kill(salt.pid if name == "salt" else first, signal.SIGKILL)
    wait_for_the_end(tmp_path, salt)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_no_process_is_left_after_a_signal(tmp_path: Path, sign: signal.Signals) -> None:
    salt, _ = begin(tmp_path)
    salt.send_signal(sign)
    wait_for_the_end(tmp_path, salt)


def test_a_group_that_has_ended_by_itself_leaves_no_guard(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    before = children()
    with (
        (tmp_path / "lock").open() as lock,
        (tmp_path / "log").open("a") as log,
        process_group(["sh", "-c", "cat; echo done"], lock=lock.fileno(), log=log, environment=os.environ) as process,
    ):
        assert process.wait() == 0
        assert children() == before + 1, "the guard"
    assert (tmp_path / "log").read_text() == "done\n"
    assert children() == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def children() -> int:
    listed = subprocess.run(["ps", "-A", "-o", "ppid=,comm="], check=True, capture_output=True, text=True)
    found = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return sum(int(parent) == os.getpid() and name != "ps" for parent, name in found)
