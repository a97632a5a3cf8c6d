"""A program in place of nvidia-smi, for machines without a GPU."""

import os
from pathlib import Path

import pytest

GPU = "{index}, GPU-{index}1b2c3d4, NVIDIA H100 80GB HBM3, {total}, {free}, {capability}"


def gpu(index: int, free: int = 81000, total: int = 81559, capability: str = "9.0") -> str:
    """A line of nvidia-smi's answer; memory in MiB."""
    return GPU.format(index=index, free=free, total=total, capability=capability)


def install(home: Path, patch: pytest.MonkeyPatch, *lines: str, code: int = 0) -> Path:
    """Puts the program first in PATH: it prints the lines, and a copy of its arguments into a file beside itself.

    Returns:
        The program.
    """
    folder = home / "driver"
    folder.mkdir()
    program = folder / "nvidia-smi"
    answer = "\n".join(lines)
    program.write_text(f"#!/bin/sh\necho \"$@\" >> '{folder}/asked'\ncat <<'END'\n{answer}\nEND\nexit {code}\n")
    program.chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program
