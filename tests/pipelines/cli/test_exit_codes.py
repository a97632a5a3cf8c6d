"""The exit codes that the README promises to scripts."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

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
