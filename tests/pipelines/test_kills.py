"""Real runs that are killed: no process is left, the folder is free at once, and the run resumes."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.local.lock import locked
from tests.pipelines.local_run import CHANGES, begin, processes, salt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = [
    (["salt"], signal.SIGKILL),
    (["pipeline"], signal.SIGKILL),
    (["salt", "pipeline"], signal.SIGKILL),
    (["salt"], signal.SIGTERM),
    (["salt"], signal.SIGINT),
    (["salt"], signal.SIGHUP),
    (["pipeline"], signal.SIGTERM),
    (["pipeline"], signal.SIGINT),
]
"""Which processes get which signal, one row after the other."""


def test_no_process_outlives_a_killed_run(tmp_path: Path) -> None:
    folder, archive = tmp_path / "runs" / "first", tmp_path / "survey.zip"
    write_survey(str(archive), labelled=40, test=10, seed=2)
    words: list[object] = ["run", "--data", archive, "--preset", "smoke", *CHANGES]
    for killed, sign in KILLS:
        run = begin(*words, "--out", folder)
        words = ["run"]
        wait_for_training(folder, run)
        for name in killed:
            os.kill(run.pid if name == "salt" else pipeline_of(folder), sign)
        _, said = run.communicate(timeout=60)
        assert "Traceback" not in said
        with locked(folder):  # waits while killed processes end
            assert processes(folder) == [], (killed, sign)
    finished = salt("run", "--out", folder)
    assert finished.code == 0, finished.said
    assert (folder / "submission.csv").is_file()


def wait_for_training(folder: Path, run: subprocess.Popen[str]) -> None:
    """Waits until the processes of the two trainings run."""
    while sum("--function_to_execute train_fold" in line for line in processes(folder)) < 2:
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)


def pipeline_of(folder: Path) -> int:
    """The number of the process that runs the pipeline."""
    (line,) = [line for line in processes(folder) if "pipelines.local.runner" in line]
    return int(line.split()[0])
