"""The device that computes, and its number format."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch


def pick_device() -> torch.device:
    """The GPU if there is one, computing with algorithms that give the same bits again; else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    # cuBLAS reads this once, when it computes the first product.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device("cuda")


def device_name(device: torch.device) -> str:
    """The GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def peak_memory(device: torch.device) -> int | None:
    """The peak memory of tensors on the GPU since the process started, bytes; None without a GPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def computes_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; elsewhere it would be slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(device: torch.device, amp: str) -> AbstractContextManager:
    """A context that computes in bfloat16 where `amp` is `auto` and the device can."""
    if amp == "off" or not computes_bf16(device):
        return nullcontext()
    # A recorded CUDA graph must cast the weights anew in each step; a step uses each of them once anyway.
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Has a GPU compute on a stream of its own, on which alone a CUDA graph can be recorded."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.synchronize(device)
    with torch.cuda.stream(torch.cuda.Stream(device)):
        yield
    torch.cuda.synchronize(device)
