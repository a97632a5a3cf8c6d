from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.hardware.gpus import Gpu, chosen_gpus, visible_gpus
from tests.pipelines.nvidia_smi import gpu, install

TWO = [Gpu(index, f"GPU-{index}1b2c3d4", "NVIDIA H100 80GB HBM3", 81559, 81000, 9.0) for index in (0, 1)]


def test_a_machine_without_a_driver_has_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []


def test_gpus_are_found_with_their_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = install(tmp_path, monkeypatch, gpu(0), gpu(1))
    assert visible_gpus() == TWO
    assert str(TWO[1]) == "GPU 1 (NVIDIA H100 80GB HBM3, 79.1 of 79.6 GiB free)"
    asked = "--query-gpu=index,uuid,name,memory.total,memory.free,compute_cap --format=csv,noheader,nounits\n"
    assert program.with_name("asked").read_text() == asked


def test_a_gpu_whose_memory_is_not_known_is_one_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "0, GPU-0a, NVIDIA GB10, [N/A], [N/A], 12.1", "1, GPU-1a, A GPU, 1000, 900, [N/A]")
    found = visible_gpus()
    assert found == [Gpu(0, "GPU-0a", "NVIDIA GB10", 0, 0, 12.1), Gpu(1, "GPU-1a", "A GPU", 1000, 900, 0)]
    assert [one.computes_bf16 for one in found] == [True, False]


@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        ("0,1", [0, 1]),
        ("1", [1]),
        ("1, 0", [1, 0]),
        ("GPU-11b2c", [1]),
        ("GPU-", []),
        ("7", []),
        ("1,-1,0", [1]),
        ("MIG-5a", []),
    ],
)
def test_only_the_gpus_that_the_user_made_visible_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, seen: list[int]
) -> None:
    install(tmp_path, monkeypatch, gpu(0), gpu(1))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    assert [gpu.index for gpu in visible_gpus()] == seen


def test_the_driver_is_not_asked_when_the_user_hides_every_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = install(tmp_path, monkeypatch, gpu(0))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []
    assert not program.with_name("asked").exists()


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9, "NVIDIA-SMI has failed"),
        ("No devices were found", 0, "No devices were found"),
        (gpu(0), 4, "GPU-01b2c3d4"),
        ("", 3, "exit code 3"),
    ],
)
def test_a_driver_that_fails_is_named_with_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, code: int, said: str
) -> None:
    install(tmp_path, monkeypatch, line, code=code)
    with pytest.raises(SaltError, match=f"nvidia-smi: lists no GPU.*{said}"):
        visible_gpus()


def test_a_driver_that_cannot_be_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch).write_text("#!/no/such/shell\n")
    with pytest.raises(SaltError, match=r"nvidia-smi: cannot be run \(found FileNotFoundError"):
        visible_gpus()


@pytest.mark.parametrize(("choice", "taken"), [("all", [0, 1]), ("1", [1]), ("1,0", [1, 0]), ("0, 0", [0])])
def test_a_choice_of_gpus(choice: str, taken: list[int]) -> None:
    assert [gpu.index for gpu in chosen_gpus(TWO, choice)] == taken


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("7", "--gpus: no such GPU (found 7, expected 0 or 1)"),
        ("0,2", "--gpus: no such GPU (found 2, expected 0 or 1)"),
        ("x", "--gpus: is not a list of GPUs (found x, expected all, or as 0,1)"),
        ("-1", "--gpus: is not a list of GPUs (found -1, expected all, or as 0,1)"),
        ("0,", "--gpus: is not a list of GPUs (found 0,, expected all, or as 0,1)"),
        ("", "--gpus: is not a list of GPUs (found nothing, expected all, or as 0,1)"),
    ],
)
def test_a_wrong_choice_is_refused(choice: str, message: str) -> None:
    with pytest.raises(SaltError) as refused:
        chosen_gpus(TWO, choice)
    assert str(refused.value) == message


@pytest.mark.parametrize("choice", ["all", "0"])
def test_no_gpu_can_be_chosen_where_none_is_visible(choice: str) -> None:
    with pytest.raises(SaltError, match=r"--gpus: no GPU is visible \(found .*, expected a GPU that nvidia-smi lists"):
        chosen_gpus([], choice)
