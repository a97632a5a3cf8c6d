"""A full disk: one line names the file, complete files stay complete, and with space the command ends as it should."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.campaign.attempt import Attempt, unclear
from tests.campaign.doors.stage_commands import JOBS, MADE, words
from tests.campaign.goods import Goods, same_bytes

DISKS = [
    *(("train-fold", size) for size in ("1m", "4m", "6m")),
    ("ensemble", "4k"),
    ("predict-fold", "8k"),
    ("ensemble", "32k"),
    ("submission", "16k"),
    ("submission", "3m"),
    ("report", "64k"),
    ("export-onnx", "512k"),
]
"""Stages, and disks that are too small for what they write."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small disk, or makes the mounted one of another size."""
    place = tmp_path / "disk"
    place.mkdir()

    def sized(size: str) -> Path:
        if os.geteuid() or not shutil.which("mount"):
            pytest.skip("only root may mount a small disk")
        options = f"size={size}" if not place.is_mount() else f"remount,size={size}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "salt-tests", place], check=False, capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        return place

    yield sized
    if place.is_mount():
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize(
    ("stage", "size"),
    [
        pytest.param(*case, id="-".join(case), marks=() if number % 4 == 0 else (pytest.mark.slow,))
        for number, case in enumerate(DISKS)
    ],
)
def test_a_full_disk_ends_in_one_line_and_a_rerun_with_space_in_the_same_bits(
    stage: str, size: str, goods: Goods, tmp_path: Path, disk: Callable[[str], Path], record_property: Callable
) -> None:
    made, room = disk(size) / "made", tmp_path / "room"
    record_property("campaign", ("full disk", "lost"))
    room.mkdir()

    def file(name: str) -> Path:
        return made / "checkpoints" if name == f"{JOBS[0]}/checkpoints" else goods.trained / name

    command = words(stage, file, made)
    full = goods.run(command, room)
    assert full.code in (1, 2), full.said
    assert unclear(Attempt(command, [(str(made),), ("No space left",)]), full) == "", full.said
    assert [str(path) for path in made.rglob("*.part")] == []
    disk("64m")
    again = goods.run(command, room)
    assert again.code == 0, again.said
    wanted = goods.wanted(stage, lambda out: words(stage, lambda name: goods.trained / name, out))
    assert same_bytes(made, wanted, MADE[stage]) == ""
    record_property("campaign", ("full disk", "taken"))
