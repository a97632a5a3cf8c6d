import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from salt_pipeline.components.ingest.synth import write_survey
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


@pytest.fixture
def archive(tmp_path: Path) -> str:
    write_survey(str(tmp_path / "survey"), labelled=2, test=1, seed=1)
    return str(tmp_path / "survey")


@pytest.mark.parametrize(
    ("words", "logs"),
    [
        (["check-data", "{}"], True),
        (["-q", "check-data", "{}"], False),
        (["check-data", "-q", "{}"], False),
        (["check-data", "{}", "--quiet"], False),
    ],
)
def test_quiet_stands_before_and_after_the_command(
    archive: str, caplog: pytest.LogCaptureFixture, words: list[str], logs: bool
) -> None:
    caplog.set_level(logging.INFO)
    assert salt(*(word.format(archive) for word in words))[0] == 0
    assert bool(caplog.records) == logs
    assert logging.getLogger().level == logging.INFO


@pytest.mark.parametrize("words", [["-v", "check-data", "{}"], ["check-data", "{}", "--verbose"]])
def test_verbose_stands_before_and_after_the_command(
    archive: str, caplog: pytest.LogCaptureFixture, words: list[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger().setLevel(logging.WARNING)
    assert salt(*(word.format(archive) for word in words))[0] == 0
    assert caplog.records
    assert logging.getLogger().level == logging.WARNING


@pytest.mark.parametrize("words", [["cluster", "init"], ["images", "build"], ["data", "push"], ["train-fold"]])
def test_commands_of_groups_have_the_options_too(words: list[str]) -> None:
    code, out, _ = salt(*words, "-q", "-v", "-h")
    assert code == 0
    assert out.count("--quiet") == out.count("--verbose") == 1


@pytest.mark.parametrize(("typed", "completed"), [("salt check", "check-data"), ("salt run --preset sm", "smoke")])
def test_the_shell_completes_commands_and_presets(typed: str, completed: str) -> None:
    words = {"_SALT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    code = "import sys; sys.argv = ['salt']; from salt_pipeline.pipelines.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | words, capture_output=True, text=True, check=False
    )
    assert completed in done.stdout.split()
