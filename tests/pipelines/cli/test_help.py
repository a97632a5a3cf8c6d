import os
import subprocess
import sys

import pytest

from tests.pipelines.command import salt


def test_run_is_the_first_command() -> None:
    code, out, _ = salt("-h")
    assert code == 0
    assert out[out.index("─ Commands") :].splitlines()[1].split()[1] == "run"


@pytest.mark.parametrize("words", [["predict"], ["run"], ["cluster", "init"], ["images", "build"]])
def test_each_example_is_a_line_that_can_be_copied(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = salt(*words, "-h")
    assert (code, out) == (0, salt(*words, "--help")[1])
    examples = out[out.rindex("Example") :].splitlines()[1:]
    assert examples
    assert all(line.startswith(f"   salt {' '.join(words)}") for line in examples if line)
    assert all("`" not in line for line in examples)


@pytest.mark.parametrize(("typed", "completed"), [("salt check", "check-data"), ("salt run --preset sm", "smoke")])
def test_the_shell_completes_commands_and_presets(typed: str, completed: str) -> None:
    words = {"_SALT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    code = "import sys; sys.argv = ['salt']; from salt_pipeline.pipelines.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | words, capture_output=True, text=True, check=False
    )
    assert completed in done.stdout.split()
