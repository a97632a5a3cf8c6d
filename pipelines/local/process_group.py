"""The processes of a run as one group, which ends as a whole: none of them outlives `salt run`."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that tell a run to end: Ctrl-C, a stopped container, a closed terminal."""

GUARD = """
import os, signal, sys
group = sys.stdin.readline()
sys.stdin.read()
if group:
    os.killpg(int(group), signal.SIGKILL)
"""
"""Reads a group's number, then waits for the end of its input, which comes when `salt run` has ended in any way."""


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """A closed terminal or a stopped container ends the block as Ctrl-C does, unless the caller handles its signal.

    Only the main thread can handle signals: in another one, as when a program calls `run`, the block changes nothing.
    """
    handled = [sign for sign in ENDS[1:] if _is_main() and signal.getsignal(sign) is signal.SIG_DFL]
    for sign in handled:
        signal.signal(sign, signal.default_int_handler)
    try:
        yield
    finally:
        for sign in handled:
            signal.signal(sign, signal.SIG_DFL)


@contextmanager
def process_group(
    command: Sequence[str], *, lock: int, log: IO[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process in a group of its own; what it starts belongs to the group, and no terminal's signal reaches it.

    The group ends when the block does. A guard ends it if this process is killed and has no time to: it is no member of
    the group, so that it also ends what the group's first process leaves when both are killed.

    Args:
        command: The program and its arguments.
        lock: Descriptor of the folder's lock. As standard input, it is the one descriptor that kfp.local's processes
            pass on, so that the lock is held until the last of them has ended.
        log: Where its output goes.
        environment: Its environment variables.

    Yields:
        The process.
    """
    guard = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-I", "-S", "-c", GUARD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert guard.stdin
    process = subprocess.Popen(  # noqa: S603 - ourselves
        command, stdin=lock, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
    )
    try:
        guard.stdin.write(f"{process.pid}\n")
        guard.stdin.flush()
        yield process
    finally:
        _end(process)
        guard.kill()  # before the group's number can be another's
        guard.wait()
        guard.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a group: its first process, and everything that it started. A second Ctrl-C does not interrupt it."""
    handlers = {sign: signal.signal(sign, signal.SIG_IGN) for sign in ENDS} if _is_main() else {}
    for sign, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
    for sign, handler in handlers.items():
        signal.signal(sign, handler)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
