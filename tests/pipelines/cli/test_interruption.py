"""Ctrl-C that no command handles: the exit code, and nothing on the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from salt_pipeline.pipelines.cli.interruption import INTERRUPTED
from salt_pipeline.pipelines.local import watcher

IMPORT = "import salt_pipeline.pipelines.cli.interruption"


def end_of(code: str) -> tuple[int, str, str]:
    """Runs a program; its exit code, output and error output."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "type('Stop', (KeyboardInterrupt,), {})"])
def test_an_interruption_ends_without_a_traceback(raised: str) -> None:
    assert end_of(f"{IMPORT}; raise {raised}") == (INTERRUPTED, "", "")


def test_what_is_to_run_at_the_end_of_the_process_still_runs() -> None:
    code = f"import atexit; atexit.register(print, 'cleaned up'); {IMPORT}; raise KeyboardInterrupt"
    assert end_of(code) == (INTERRUPTED, "cleaned up\n", "")


def test_any_other_error_goes_to_the_hook_that_was_there_before() -> None:
    hook = "import sys; sys.excepthook = lambda kind, *_: print(kind.__name__)"
    assert end_of(f"{hook}; {IMPORT}; 1 / 0") == (1, "ZeroDivisionError\n", "")


def test_the_module_imports_no_package_whose_import_could_be_interrupted() -> None:
    names = ["typer", "rich", "pydantic", "numpy", "kfp"]
    code = f"import sys; {IMPORT}; print([name for name in {names} if name in sys.modules])"
    assert end_of(code) == (0, "[]\n", "")


def test_the_code_is_that_of_a_run_that_is_interrupted() -> None:
    assert INTERRUPTED == watcher.INTERRUPTED == 130


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "salt_pipeline.pipelines.cli.main"),
        ("-c", "import sys; from salt_pipeline.pipelines.cli.main import main; sys.exit(main())"),
    ],
    ids=["module", "script"],
)
def test_a_command_that_is_interrupted_while_python_imports(tmp_path: Path, words: tuple[str, str]) -> None:
    """The first package that the command imports is one that presses Ctrl-C."""
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    handled = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # as at a terminal
    (tmp_path / "sitecustomize.py").write_text(handled)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])])
    done = subprocess.run(
        [sys.executable, *words, "presets"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")
