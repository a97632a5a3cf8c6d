"""What a command does where its output is closed, full, or read by nobody."""

import subprocess
import sys

import pytest

SALT = f"{sys.executable} -m salt_pipeline.pipelines.cli.main"


@pytest.mark.parametrize("words", ["presets --json", "presets smoke", "--version"])
@pytest.mark.parametrize(
    ("output", "code", "said"),
    [
        (">&-", {0}, ""),
        ("| true", {0}, ""),
        ("> /dev/full", {2}, "salt: error: standard output: cannot be written: No space left on device\n"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line_at_most(
    words: str, output: str, code: set[int], said: str
) -> None:
    done = subprocess.run(["bash", "-c", f"{SALT} {words} {output}"], capture_output=True, text=True, check=False)
    assert (done.returncode in code, done.stderr) == (True, said)
