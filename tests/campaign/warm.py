"""A process that has imported everything `salt` may need, and runs each command in a fork of itself.

A fresh Python process takes seconds to import torch; a fork takes milliseconds, and shares nothing that it changes. A
command has its own memory limit and deadlines, and everything that it started ends with it.
"""

import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROCESSOR_SECONDS = 10
"""Processor time that a command may use."""

WALL_SECONDS = 30
"""Time on the clock after which a command is killed; longer, because other processes may use the cores."""

MEMORY = 2 << 30
"""Memory that a command may hold beside what the imports hold, in bytes."""


@dataclass(frozen=True)
class Result:
    """How a command ended.

    Attributes:
        code: Exit code; negative for the signal that ended it, as `subprocess` has it.
        out: Standard output.
        said: Error output.
        seconds: Processor time.
        memory: Most memory that it held, in bytes.
        late: Whether it was killed at the deadline.
    """

    code: int
    out: str
    said: str
    seconds: float
    memory: int
    late: bool


class Warm:
    """The process; a context manager."""

    def __enter__(self) -> "Warm":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaign.warm"],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def run(self, words: list[str], folder: Path, env: dict[str, str], seconds: float = WALL_SECONDS) -> Result:
        """Runs a command, which may take so many seconds; `folder` is its working folder and keeps its output."""
        assert self.process.stdin
        assert self.process.stdout
        asked = {"words": words, "folder": os.fspath(folder), "env": env, "seconds": seconds}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        texts = {key: (folder / key).read_text(errors="replace") for key in ("out", "said")}
        return Result(**found | texts)


def _serve() -> None:
    _import_everything()
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(**json.loads(line))) + "\n")
        sys.stdout.flush()


def _import_everything() -> None:
    import salt_pipeline

    for module in pkgutil.walk_packages(salt_pipeline.__path__, "salt_pipeline."):
        if not module.name.endswith((".main", "local.runner")):
            importlib.import_module(module.name)
    for name in (
        "matplotlib.figure",
        "matplotlib.backends.backend_agg",
        "PIL.TiffImagePlugin",
        "mlflow",
        "onnxruntime",
    ):
        importlib.import_module(name)
    importlib.import_module("salt_pipeline.pipelines.cli.main")


def _run(words: list[str], folder: str, env: dict[str, str], seconds: float) -> dict[str, Any]:
    pid = os.fork()
    if pid == 0:
        _command(words, Path(folder), env)
    ended = os.pidfd_open(pid)
    late = not select.select([ended], [], [], seconds)[0]
    os.close(ended)
    if late:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss << 10,
        "late": late,
    }


def _command(words: list[str], folder: Path, env: dict[str, str]) -> None:
    """Is the command, with what `salt` does at its entry; never returns."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        for number, name, flags in ((0, "/dev/null", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "said", os.O_WRONLY)):
            os.dup2(os.open(name, flags | os.O_CREAT | os.O_TRUNC, 0o600) if number else os.open(name, flags), number)
        os.environ.clear()
        os.environ.update(env)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        limit = _address_space() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
        from salt_pipeline.pipelines.cli.main import main

        Path("pid").write_text(str(os.getpid()))
        sys.argv = ["salt", *words]
        main()
        code = 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException as error:
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except SystemExit as end:
            code = _exit_code(end)
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _exit_code(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(end.code is not None)


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    _serve()
