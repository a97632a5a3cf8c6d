"""The options `-q` and `-v`: what they set, and that a command leaves nothing of it behind."""

import logging
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.cli.help import Commands
from salt_pipeline.pipelines.display.console import shows_progress
from tests.pipelines.command import salt

app = typer.Typer(cls=Commands)


@app.command()
def look() -> None:
    """Prints the level of the logs, and whether progress is shown."""
    typer.echo(f"{logging.getLevelName(logging.getLogger().level)} {shows_progress()}")


@app.command()
def fail() -> None:
    """Fails."""
    raise SaltError("is wrong")


@pytest.fixture(autouse=True)
def level(caplog: pytest.LogCaptureFixture) -> None:
    """The level of all logs, as the command sets it."""
    caplog.set_level(logging.INFO)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("look", "INFO True"),
        ("look -q", "WARNING False"),
        ("--quiet look", "WARNING False"),
        ("look --verbose", "DEBUG True"),
        ("-v look", "DEBUG True"),
        ("-q look --quiet", "WARNING False"),
        ("-q look -v", "DEBUG False"),
        ("-v look -q", "WARNING False"),
        ("look -qv", "DEBUG False"),
    ],
)
def test_the_last_option_sets_the_level_for_as_long_as_the_command_runs(words: str, shown: str) -> None:
    result = CliRunner().invoke(app, words.split())
    assert (result.exit_code, result.stdout) == (0, f"{shown}\n"), result.output
    assert (logging.getLogger().level, shows_progress()) == (logging.INFO, True)


@pytest.mark.parametrize("words", ["-q fail", "fail -q", "-v fail", "fail -v"])
def test_a_command_that_fails_leaves_the_level_and_the_progress_as_they_were(words: str) -> None:
    assert isinstance(CliRunner().invoke(app, words.split()).exception, SaltError)
    assert (logging.getLogger().level, shows_progress()) == (logging.INFO, True)


def test_a_misspelt_option_leaves_the_level_and_the_progress_as_they_were() -> None:
    assert CliRunner().invoke(app, ["-q", "look", "--quite"]).exit_code == 2
    assert (logging.getLogger().level, shows_progress()) == (logging.INFO, True)


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
