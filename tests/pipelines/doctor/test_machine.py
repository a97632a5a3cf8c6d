from pathlib import Path

import pytest

from salt_pipeline.pipelines.doctor.machine import local_runs
from tests.pipelines.nvidia_smi import gpu, install


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of sixteen cores without an NVIDIA driver."""
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_what_a_run_uses_of_a_machine_without_a_gpu() -> None:
    used = "16 CPU cores, no GPU: 2 jobs at once; threads per job: 8 (preset quick)"
    assert local_runs() == ("ok", used, "")


def test_what_a_run_uses_of_a_machine_with_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, gpu(0), gpu(1))
    state, used, _ = local_runs()
    gpus = ", ".join(f"GPU {index} (NVIDIA H100 80GB HBM3, 79.1 of 79.6 GiB free)" for index in (0, 1))
    assert state == "ok"
    assert used == f"16 CPU cores, {gpus}: 10 jobs at once on GPUs 0, 1; threads per job: 1 (preset best)"


def test_a_driver_that_fails_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "NVIDIA-SMI has failed", code=9)
    state, found, fix = local_runs()
    assert (state, found.partition(": ")[2]) == ("warn", "lists no GPU (found NVIDIA-SMI has failed)")
    assert "check the driver" in fix
