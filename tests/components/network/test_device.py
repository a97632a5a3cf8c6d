"""The device that is chosen, what is set for it, and its number format; most of it needs no GPU."""

import os
from collections.abc import Iterator

import pytest
import torch

from salt_pipeline.components.network.device import (
    PROMISES,
    autocast,
    computes_bf16,
    device_name,
    own_stream,
    peak_memory,
    pick_device,
)

CPU, GPU = torch.device("cpu"), torch.device("cuda")
VARIABLE = "CUBLAS_WORKSPACE_CONFIG"


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process in which no device was chosen yet; what the test sets for all of it is taken back."""
    monkeypatch.setenv(VARIABLE, "any")  # so that its absence is restored too
    monkeypatch.delenv(VARIABLE)
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch._C._get_deterministic_fill_uninitialized_memory()
    torch.use_deterministic_algorithms(False)
    torch._C._set_deterministic_fill_uninitialized_memory(True)
    yield
    torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
    torch._C._set_deterministic_fill_uninitialized_memory(fill)


@pytest.mark.usefixtures("unset")
def test_a_gpu_is_chosen_and_computes_the_same_bits_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device() == GPU
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch._C._get_deterministic_fill_uninitialized_memory()
    assert os.environ[VARIABLE] == ":4096:8"


@pytest.mark.usefixtures("unset")
def test_a_workspace_that_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv(VARIABLE, ":16:8")
    pick_device()
    assert os.environ[VARIABLE] == ":16:8"


@pytest.mark.usefixtures("unset")
def test_without_a_gpu_it_is_the_cpu_and_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device() == CPU
    assert not torch.are_deterministic_algorithms_enabled()
    assert VARIABLE not in os.environ


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize(
    ("name", "value", "warned"),
    [
        ("CUDA_VISIBLE_DEVICES", "0", True),
        ("CUDA_VISIBLE_DEVICES", "", False),
        ("CUDA_VISIBLE_DEVICES", "-1", False),
        ("NVIDIA_VISIBLE_DEVICES", "GPU-8f6d", True),
        ("NVIDIA_VISIBLE_DEVICES", "void", False),
    ],
)
def test_a_job_that_was_given_a_gpu_says_that_it_computes_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, value: str, warned: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for variable in PROMISES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, value)
    assert pick_device() == CPU
    assert ("salt: warning: the CPU computes, as torch cannot use the GPU of this job: " in caplog.text) == warned


def test_a_cpu_has_a_plain_name_and_no_memory_of_its_own() -> None:
    assert device_name(CPU) == "cpu"
    assert peak_memory(CPU) is None


@pytest.mark.parametrize(
    ("amp", "avx512", "amx", "expected"),
    [
        ("auto", True, False, torch.bfloat16),
        ("auto", False, True, torch.bfloat16),
        ("auto", False, False, torch.float32),
        ("off", True, True, torch.float32),
    ],
)
def test_bf16_is_for_processors_that_have_it_unless_switched_off(
    monkeypatch: pytest.MonkeyPatch, amp: str, avx512: bool, amx: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert computes_bf16(CPU) == (avx512 or amx)
    ones = torch.ones(2, 2)
    with autocast(CPU, amp):
        product = ones @ ones
        assert torch.is_autocast_enabled("cpu") == (expected == torch.bfloat16)
        assert torch.is_autocast_cache_enabled() == (expected == torch.float32)
    assert product.dtype == expected
    assert (ones @ ones).dtype == torch.float32


@pytest.mark.parametrize("in_hardware", [True, False])
def test_bf16_that_a_gpu_emulates_does_not_count(monkeypatch: pytest.MonkeyPatch, in_hardware: bool) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return including_emulation or in_hardware

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert computes_bf16(GPU) == in_hardware


def test_a_cpu_has_no_streams_and_an_error_of_the_block_passes() -> None:
    with pytest.raises(KeyError, match="failed"), own_stream(CPU):
        raise KeyError("failed")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_computes_on_a_stream_of_its_own() -> None:
    before = torch.cuda.current_stream(GPU)
    with own_stream(GPU):
        assert torch.cuda.current_stream(GPU) != before
        total = torch.ones(1000, device=GPU).sum()
    assert torch.cuda.current_stream(GPU) == before
    assert total.item() == 1000
    assert (peak_memory(GPU) or 0) >= 4000
    assert device_name(GPU) not in ("", "cuda")
