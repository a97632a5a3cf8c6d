"""The GPUs of this machine, as `nvidia-smi` lists them.

Every driver brings that program, so that neither torch nor another package is needed, and a driver that fails in it
ends another process than ours.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata

from salt_pipeline.components.core.errors import SaltError

QUERY = ("--query-gpu=index,uuid,name,memory.total,memory.free,compute_cap", "--format=csv,noheader,nounits")

BF16 = 8.0
"""Compute capability from which a GPU multiplies bfloat16: Ampere's."""

_CAPABILITY = re.compile(r"[0-9]{1,3}\.[0-9]{1,2}")

SECONDS = 30
"""Time limit of nvidia-smi: without its persistence mode the driver starts first, which takes seconds per GPU."""


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Attributes:
        index: Its number in nvidia-smi, which is the order of the PCI bus.
        uuid: Its unique name, as `GPU-8f6d...`.
        name: Its model.
        total: Its memory, MiB; 0 if the driver does not say.
        free: The part of its memory that no process uses, MiB.
        capability: Its compute capability; 0 if the driver does not say.
    """

    index: int
    uuid: str
    name: str
    total: int
    free: int
    capability: float

    @property
    def computes_bf16(self) -> bool:
        """Whether networks compute in bfloat16 on it, in half the memory."""
        return self.capability >= BF16

    def __str__(self) -> str:
        return f"GPU {self.index} ({self.name}, {self.free / 1024:.1f} of {self.total / 1024:.1f} GiB free)"


def torch_is_for_cpus() -> bool:
    """Whether the installed torch is PyTorch's own build for CPUs, by its version: importing it takes seconds."""
    try:
        return metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False


def visible_gpus() -> list[Gpu]:
    """The GPUs that a process of this user would see: all of them, or those that CUDA_VISIBLE_DEVICES names.

    Raises:
        SaltError: If nvidia-smi exists and fails.
    """
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    program = shutil.which("nvidia-smi") if setting != "" else None
    if program is None:
        return []
    try:
        answer = subprocess.run(  # noqa: S603 - the driver's program
            [program, *QUERY], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SaltError("cannot be run", file=program, found=type(error).__name__) from None
    try:
        gpus = [_read(line) for line in answer.stdout.splitlines()]
    except ValueError:
        gpus = []
    if answer.returncode or not gpus:
        said = (answer.stdout or answer.stderr).strip().partition("\n")[0] or f"exit code {answer.returncode}"
        raise SaltError("lists no GPU", file=program, found=said)
    return gpus if setting is None else _named(gpus, setting)


def _read(line: str) -> Gpu:
    index, uuid, name, total, free, capability = line.split(", ")
    sizes = [int(size) if size.isdecimal() else 0 for size in (total, free)]
    known = float(capability) if _CAPABILITY.fullmatch(capability) else 0.0
    return Gpu(int(index), uuid, name, total=sizes[0], free=sizes[1], capability=known)


def _named(gpus: list[Gpu], setting: str) -> list[Gpu]:
    """The GPUs that CUDA_VISIBLE_DEVICES names; as for CUDA, a name that is unknown hides itself and all after it."""
    named: list[Gpu] = []
    for word in map(str.strip, setting.split(",")):
        found = [gpu for gpu in gpus if word == str(gpu.index) or (word[:4] == "GPU-" and gpu.uuid.startswith(word))]
        if len(found) != 1:
            break
        named += found
    return named


def chosen_gpus(gpus: list[Gpu], choice: str) -> list[Gpu]:
    """The GPUs that the option `--gpus` chooses.

    Args:
        gpus: Those that can be chosen.
        choice: `all`, or their numbers, as `0,1`.

    Raises:
        SaltError: If there are none, or the choice names others.
    """
    if not gpus:
        raise SaltError("no GPU is visible", field="--gpus", found=choice, expected="a GPU that nvidia-smi lists")
    if choice == "all":
        return gpus
    words = [word.strip() for word in choice.split(",")]
    if not all(word.isascii() and word.isdecimal() for word in words):
        raise SaltError("is not a list of GPUs", field="--gpus", found=choice or "nothing", expected="all, or as 0,1")
    known = {gpu.index: gpu for gpu in gpus}
    for number in map(int, words):
        if number not in known:
            raise SaltError("no such GPU", field="--gpus", found=number, expected=" or ".join(map(str, known)))
    return [known[number] for number in dict.fromkeys(map(int, words))]
