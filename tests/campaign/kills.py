"""Signals to single commands and to complete runs, at a moment of their work."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.campaign.goods import Goods
from tests.campaign.warm import Result

SIGNS = {name: getattr(signal, f"SIG{name}") for name in ("KILL", "TERM", "INT", "HUP")}

PATIENCE = 30.0
"""Seconds in which every process of a run must have ended after a kill."""

Moment = Callable[[], bool]


def any_file(folder: Path, pattern: str) -> Moment:
    """When a file of this name is in a folder or below it."""

    def reached() -> bool:
        with suppress(OSError):
            return any(True for _ in folder.rglob(pattern))
        return False

    return reached


def new_file(folder: Path, pattern: str) -> Moment:
    """When a file of this name is written, or written anew."""

    def inodes() -> set[int]:
        with suppress(OSError):
            return {path.stat().st_ino for path in folder.rglob(pattern)}
        return set()

    before = inodes()
    return lambda: not inodes() <= before


def in_file(path: Callable[[], list[Path]], text: str, count: int = 1) -> Moment:
    """When a file holds a text so many times."""

    def reached() -> bool:
        with suppress(OSError):
            return sum(file.read_text(errors="replace").count(text) for file in path()) >= count
        return False

    return reached


@dataclass
class Interruption:
    """Acts once, at a moment of a command that `goods.run` runs.

    Attributes:
        room: The command's room, where it writes its process id.
        moment: When to act.
        act: What to do, with the process id.
        done: Whether it has acted.
    """

    room: Path
    moment: Moment
    act: Callable[[int], None]
    done: bool = False
    _over: threading.Event = field(default_factory=threading.Event)

    def during(self, goods: Goods, words: list[object], env: dict[str, str] | None = None) -> Result:
        """Runs a command and acts in the middle of it."""
        (self.room / "pid").unlink(missing_ok=True)
        thread = threading.Thread(target=self._wait)
        thread.start()
        try:
            return goods.run(words, self.room, env, PATIENCE * 4)
        finally:
            self._over.set()
            thread.join()

    def _wait(self) -> None:
        pid = self.room / "pid"
        while not self._over.is_set():
            with suppress(OSError, ValueError):
                number = int(pid.read_text())
                if self.moment():
                    self.act(number)
                    self.done = True
                    return
            time.sleep(0.0005)


def killing(room: Path, moment: Moment, sign: int) -> Interruption:
    """Sends a signal to the command."""

    def act(pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)

    return Interruption(room, moment, act)


def start_run(words: list[object], env: dict[str, str], said: Path) -> subprocess.Popen:
    """Starts `salt` as a process at the head of its own group, as a shell does."""
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from salt_pipeline.pipelines.cli.main import main; main()"
    with said.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            env=env,
            cwd=Path(__file__).parents[2],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def tree(process: subprocess.Popen) -> list[psutil.Process]:
    """The run's processes, the oldest first."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        return [parent, *sorted(parent.children(recursive=True), key=lambda one: one.create_time())]
    return []


def send(process: subprocess.Popen, target: str, sign: int) -> list[psutil.Process]:
    """Sends a signal to the parent, the pipeline, a training (or another task), or to all of a run's processes.

    Returns:
        All processes that the run had.
    """
    found = tree(process)
    pipelines = [one for one in found if _is(one, "local.runner")]
    tasks = [one for one in found if _is(one, "executor_main")]
    # The youngest: kfp.local starts a task in a shell, whose process has the same words.
    chosen = {"parent": found[:1], "pipeline": pipelines[:1], "task": tasks[-1:], "group": found}[target]
    for one in chosen or pipelines[:1] or found[:1]:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(sign)
    return found


def _is(process: psutil.Process, part: str) -> bool:
    with suppress(psutil.Error):
        return any(part in word for word in process.cmdline())
    return False


def left_over(found: list[psutil.Process]) -> list[str]:
    """The processes that have not ended in time; they are ended here, by their own ids."""
    _, alive = psutil.wait_procs([one for one in found if one.is_running()], PATIENCE)
    alive = [one for one in alive if _alive(one)]
    names = []
    for one in alive:
        with suppress(psutil.Error):
            names.append(" ".join(one.cmdline())[-160:])
            one.kill()
    return names


def _alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
