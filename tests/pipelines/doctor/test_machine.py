import errno
import json
import platform
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.doctor import machine
from tests.pipelines import nvidia_smi
from tests.pipelines.doctor.conftest import verdict
from tests.pipelines.kfp_server import KfpServer


@pytest.mark.parametrize(("version", "state"), [("3.11.0", "ok"), ("3.10.14", "fail"), ("3.14.0", "fail")])
def test_a_python_that_the_package_does_not_allow_fails(
    monkeypatch: pytest.MonkeyPatch, version: str, state: str
) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: version)
    assert machine.python()[:2] == (state, version)
    assert (machine.python()[2] == "") == (state == "ok")


def install(folder: Path, name: str, *lines: str, version: str = "1.0") -> None:
    """Writes the metadata of an installed distribution."""
    home = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    home.mkdir()
    header = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *lines]
    (home / "METADATA").write_text("\n".join(header) + "\n")


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        (["present"], ("ok", "salt-pipeline 1.0 with everything it needs", "")),
        (["present>=2"], ("fail", "missing: present>=2 (found 1.0)", "pip install 'salt-pipeline'")),
        (["absent"], ("fail", "missing: absent", "pip install 'salt-pipeline'")),
        (['absent; python_version < "3"'], ("ok", "salt-pipeline 1.0 with everything it needs", "")),
        (['absent; extra == "report"'], ("warn", "missing: for report: absent", "'salt-pipeline[report]'")),
        (
            ['absent; extra == "report"', 'salt-pipeline[report]; extra == "train"', 'lost; extra == "train"'],
            ("warn", "missing: for report: absent; for train: lost", "'salt-pipeline[train]'"),
        ),
        (['absent; extra == "dev"'], ("ok", "salt-pipeline 1.0 with everything it needs", "")),
    ],
)
def test_a_missing_package_fails_only_if_every_command_needs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requirements: list[str], expected: tuple[str, str, str]
) -> None:
    extras = [f"Provides-Extra: {extra}" for extra in ("report", "train", "dev")]
    install(tmp_path, "salt-pipeline", *(f"Requires-Dist: {one}" for one in requirements), *extras)
    install(tmp_path, "present")
    monkeypatch.syspath_prepend(tmp_path)
    state, found, fix = machine.packages()
    assert (state, found) == expected[:2]
    assert fix.endswith(expected[2])


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("unix:///nowhere/docker.sock", "No such file or directory"),
        ("tcp://127.0.0.1:9", f"[Errno {errno.ECONNREFUSED}] Connection refused"),
    ],
)
def test_an_engine_that_is_unreachable_is_a_warning(monkeypatch: pytest.MonkeyPatch, address: str, reason: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    state, found, fix = machine.docker_engine()
    assert (state, found) == ("warn", f"no engine answers: {reason}")
    assert "--runner docker" in fix


def test_the_version_of_the_engine_is_shown(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = {"ApiVersion": "1.47", "Version": "28.1.1"}
    monkeypatch.setattr(kfp, "answer", lambda *_: (200, "application/json", json.dumps(answered).encode()))
    monkeypatch.setenv("DOCKER_HOST", kfp.url.replace("http", "tcp"))
    assert machine.docker_engine() == ("ok", "engine 28.1.1", "")
    del answered["Version"]
    with pytest.raises(SaltError, match="answers without its version"):
        machine.docker_engine()
    kfp.fault = "500"
    assert verdict(machine.docker_engine) == "warn"


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of sixteen cores without an NVIDIA driver."""
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.mark.usefixtures("cores")
def test_what_a_run_uses_of_a_machine_without_a_gpu() -> None:
    used = "16 CPU cores, no GPU: 2 jobs at once; threads per job: 8 (preset quick)"
    assert machine.local_runs() == ("ok", used, "")


@pytest.mark.usefixtures("cores")
def test_what_a_run_uses_of_a_machine_with_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi.install(tmp_path, monkeypatch, nvidia_smi.gpu(0), nvidia_smi.gpu(1))
    state, used, _ = machine.local_runs()
    gpus = ", ".join(f"GPU {index} (NVIDIA H100 80GB HBM3, 79.1 of 79.6 GiB free)" for index in (0, 1))
    assert state == "ok"
    assert used == f"16 CPU cores, {gpus}: 10 jobs at once on GPUs 0, 1; threads per job: 1 (preset best)"


@pytest.mark.usefixtures("cores")
def test_a_driver_that_fails_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi.install(tmp_path, monkeypatch, "NVIDIA-SMI has failed", code=9)
    state, found, fix = machine.local_runs()
    assert (state, found.partition(": ")[2]) == ("warn", "lists no GPU (found NVIDIA-SMI has failed)")
    assert "check the driver" in fix
