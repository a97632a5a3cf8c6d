import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from salt_pipeline.pipelines.cli.main import app
from tests.pipelines.command import salt


def test_run_is_the_first_command() -> None:
    code, out, _ = salt("-h")
    assert code == 0
    assert out[out.index("─ Commands") :].splitlines()[1].split()[1] == "run"


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands by their words, with those of groups."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


@pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*one, id=" ".join(one[0])) for one in commands(get_command(app))]
)
def test_each_example_is_a_line_that_can_be_copied(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], command: Any
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = salt(*words, "-h")
    assert (code, out) == (0, salt(*words, "--help")[1])
    examples = [line.strip() for line in out[out.rindex("Example") :].splitlines()[1:] if line.strip()]
    assert examples
    for example in examples:
        assert "`" not in example
        if f"$(salt {' '.join(words)})" in example:
            continue  # what it prints is a word of another command
        typed = shlex.split(re.sub(r"\$\([^)]*\)", "printed", example), comments=True)
        assert tuple(typed[: len(words) + 1]) == ("salt", *words)
        command.make_context(words[-1], typed[len(words) + 1 :], resilient_parsing=False)


@pytest.mark.parametrize(("typed", "completed"), [("salt check", "check-data"), ("salt run --preset sm", "smoke")])
def test_the_shell_completes_commands_and_presets(typed: str, completed: str) -> None:
    words = {"_SALT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    code = "import sys; sys.argv = ['salt']; from salt_pipeline.pipelines.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | words, capture_output=True, text=True, check=False
    )
    assert completed in done.stdout.split()
