"""Files of tensors are those of the safetensors library, and a kill leaves none but what the next write removes."""

import signal
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from salt_pipeline.components.network.tensor_file import _NAMES, write_tensors


def test_the_file_is_that_of_the_library(tmp_path: Path) -> None:
    torch.manual_seed(0)
    shapes: list[tuple[int, ...]] = [(), (0, 2), (3,), (2, 3, 5, 5)]
    tensors = {
        f"{place}/{str(kind)[-3:]}.ü": (100 * torch.rand(shape)).to(kind)
        for kind in _NAMES
        for place, shape in enumerate(shapes)
    }
    for metadata in (None, {"progress": '{"encoder": "é\\n\\u0001"}'}):
        write_tensors(tmp_path / "file", tensors, metadata)
        assert (tmp_path / "file").read_bytes() == save(tensors, metadata)
    found = load_file(tmp_path / "file")
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    (tmp_path / "plain").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode, "others may read it too"


def test_a_tensor_of_any_layout_is_written_row_by_row(tmp_path: Path) -> None:
    tensor = torch.rand(2, 3, 4, 4)
    write_tensors(tmp_path / "file", {"last": tensor.to(memory_format=torch.channels_last), "turned": tensor.mT})
    found = load_file(tmp_path / "file")
    assert torch.equal(found["last"], tensor)
    assert torch.equal(found["turned"], tensor.mT)


KILLED = """
import os, signal, sys, threading
from pathlib import Path
import torch
from salt_pipeline.components.network.tensor_file import write_tensors
folder = Path(sys.argv[1])
def kill():
    while not any(folder.iterdir()):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill).start()
while True:
    write_tensors(folder / "model.safetensors", {"a": torch.zeros(5_000_000)})
"""


def test_a_kill_leaves_no_file_that_stays(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    write_tensors(folder / "model.safetensors", {"a": torch.zeros(1)})
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]
