"""The process that runs a pipeline, as far as it needs no stage: tests/pipelines/test_end_to_end.py runs them all."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
from kfp import local

from salt_pipeline.components.core.errors import MARK, SaltError
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.pipelines.local.folder import CONFIG, RunFolder
from salt_pipeline.pipelines.local.runner import _runner

STOP = """
import sys
from pathlib import Path
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.pipelines.local.folder import read_run
from salt_pipeline.pipelines.local.runner import _stop
try:
    _stop(read_run(Path(sys.argv[1])), Tracking("first"), 15, None)
finally:
    print("a waiting job would start", flush=True)
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs Python, which records nothing in MLflow."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": ""}
    return subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)


def test_a_run_that_cannot_begin_names_its_reason_and_removes_partial_files(folder: RunFolder) -> None:
    document = read_json(folder.path / CONFIG)
    document["train"]["epochs"] = 0
    write_json(folder.path / CONFIG, document)
    part = folder.path / "checkpoints" / ".checkpoint.safetensors.96f8085b.part"
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(b"half")

    done = run("-m", "salt_pipeline.pipelines.local.runner", str(folder.path), "1", '{"0": 1}')

    assert done.returncode == 2, done.stderr
    assert f"{MARK}{folder.path / CONFIG} is not valid\n  - train.epochs: Input should be greater" in done.stderr
    assert "Traceback" not in done.stderr
    assert not part.exists()


def test_a_signal_ends_the_process_at_once(folder: RunFolder) -> None:
    done = run("-c", STOP, str(folder.path))
    assert (done.returncode, done.stdout) == (130, ""), done.stderr


def test_the_stages_run_as_processes_in_this_environment(folder: RunFolder) -> None:
    with ExitStack() as stack:
        assert _runner(folder, stack) == local.SubprocessRunner(use_venv=False)


def test_without_an_engine_for_the_containers_no_tracking_server_is_started(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"sqlite:///{folder.path.parent}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with ExitStack() as stack, pytest.raises(SaltError, match="no Docker engine answers"):
        _runner(folder.model_copy(update={"runner": "docker"}), stack)
    assert os.environ["MLFLOW_TRACKING_URI"] == address
