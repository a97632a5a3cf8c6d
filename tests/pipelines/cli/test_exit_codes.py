"""The exit codes that the README promises to scripts."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from salt_pipeline.components.ingest.synth import write_survey
from tests.pipelines.command import salt

README = Path(__file__).parents[3] / "README.md"


def code_that_means(words: str) -> int:
    """The exit code of the README's row whose meaning begins so."""
    [code] = re.findall(rf"^\| (\d+) \| {words}", README.read_text(), re.MULTILINE)
    return int(code)


def test_a_command_that_finds_nothing_wrong(tmp_path: Path) -> None:
    write_survey(str(tmp_path / "s"), labelled=4, test=2, seed=1)
    assert salt("check-data", tmp_path / "s")[0] == code_that_means("done")


def test_findings(tmp_path: Path) -> None:
    write_survey(str(tmp_path / "s"), labelled=4, test=2, seed=1)
    (tmp_path / "submission.csv").write_text("id,rle_mask\n")
    (tmp_path / "s" / "train.csv").write_text("id,rle_mask\n")
    findings = code_that_means("findings")
    assert salt("check-data", tmp_path / "s")[0] == findings
    write_survey(str(tmp_path / "good"), labelled=4, test=2, seed=1)
    assert salt("check-submission", tmp_path / "submission.csv", "--data", tmp_path / "good")[0] == findings


def test_wrong_use(tmp_path: Path) -> None:
    wrong = code_that_means("wrong use")
    assert salt("run", "--preset", "fast")[0] == wrong
    assert salt("run", "--pre", "fast")[0] == wrong
    assert salt("check-data", tmp_path / "none.zip")[0] == wrong
    assert salt("check-submission", tmp_path / "none.csv", "--data", tmp_path / "none.zip")[0] == wrong


def test_an_interrupted_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "salt_pipeline.pipelines.cli.main", "synth", str(tmp_path / "s.zip")]
    with subprocess.Popen([*command, "--labelled", "6000"], stderr=subprocess.PIPE, text=True) as process:
        while not any(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == code_that_means("interrupted")
    assert "Traceback" not in said
    assert not (tmp_path / "s.zip").exists()


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
    path = os.pathsep.join([str(tmp_path), str(README.parent)])
    done = subprocess.run(
        [sys.executable, *words, "presets"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code_that_means("interrupted"), "", "")


def test_any_other_error_is_shown_as_ever(tmp_path: Path) -> None:
    code = "import salt_pipeline.pipelines.cli.interruption; 1 / 0"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
