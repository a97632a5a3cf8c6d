"""Runs the command `salt` in the test's own process."""

import pytest
from typer.testing import CliRunner

from salt_pipeline.components.core.errors import MARK, SaltError, exit_on_error
from salt_pipeline.pipelines.cli.main import app

runner = CliRunner()


def salt(*words: object) -> tuple[int, str, str]:
    """Runs the command in this process, with `main`'s handling of errors; exit code, output and error output."""
    result = runner.invoke(app, [str(word) for word in words])
    if isinstance(result.exception, SaltError):
        with pytest.raises(SystemExit) as ended, exit_on_error():
            raise result.exception
        return int(str(ended.value.code)), result.stdout, f"{result.stderr}{MARK}{result.exception}\n"
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def fails(*words: object) -> str:
    """Runs a command that must end with one error; its message."""
    code, _, said = salt(*words)
    assert code == 2
    assert said.count(MARK) == 1
    assert "Traceback" not in said
    return said[said.index(MARK) :]
