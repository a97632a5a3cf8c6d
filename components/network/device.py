"""The device that computes, its number format and its memory."""

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from salt_pipeline.components.core.errors import NOTICE, SaltError

log = logging.getLogger(__name__)

PROMISES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
"""Variables that name the GPU of a job of a local run, and of a container."""


def pick_device() -> torch.device:
    """The GPU if there is one, computing with algorithms that give the same bits again; else the CPU.

    A warning says so if the process was given a GPU that torch cannot use: a CPU takes a hundred times as long.
    """
    if not torch.cuda.is_available():
        if any(os.environ.get(name, "") not in ("", "-1", "void", "none") for name in PROMISES):
            cuda = torch.version.cuda
            why = f"torch needs a driver for CUDA {cuda}" if cuda else "this torch is built for CPUs"
            log.warning("%sthe CPU computes, as torch cannot use the GPU of this job: %s", NOTICE, why)
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
    """The peak memory of the GPU that torch reserved since the process started, bytes; None without a GPU.

    It includes the tensors of a recorded CUDA graph, which its allocator counts as free between two steps.
    """
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None


def free_memory(device: torch.device) -> None:
    """Gives memory of a GPU that no tensor uses back to the driver, for other jobs and other streams."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


@contextmanager
def memory_errors(field: str, value: object) -> Iterator[None]:
    """Reports a GPU whose memory is full as an error of the user's.

    Args:
        field: The option that makes the block need less.
        value: Its value.

    Raises:
        SaltError: If the memory is full.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise SaltError(
            "the memory of the GPU is full: run fewer jobs at once (--jobs), or lower this option",
            field=field,
            found=f"{value}; {error}",
        ) from error


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
    try:
        with torch.cuda.stream(torch.cuda.Stream(device)):
            yield
    finally:
        torch.cuda.synchronize(device)
