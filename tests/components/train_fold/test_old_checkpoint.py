"""A checkpoint of earlier code is found, read and resumed: its names, shapes and metadata are a format.

checkpoint_46aa173.json describes one that commit 46aa173 wrote after two of four epochs; its weights are
generated here, and the data has the hash of the images of today's tests.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from salt_pipeline.components.train_fold.stage import train
from tests.components.network.tiny import document, network, write_survey
from tests.components.train_fold.job import arguments

OLD: dict[str, Any] = json.loads(Path(__file__).with_name("checkpoint_46aa173.json").read_text())
CONFIG = document(train={"keep": "best"})


def run(survey: tuple[str, str], out: Path) -> None:
    train(**arguments(survey, out, CONFIG))


@pytest.fixture
def survey(tmp_path: Path) -> tuple[str, str]:
    return write_survey(tmp_path)


def test_a_new_checkpoint_has_the_same_path_names_and_shapes(survey: tuple[str, str], tmp_path: Path) -> None:
    run(survey, tmp_path)
    (path,) = (tmp_path / "checkpoints").rglob("checkpoint.safetensors")
    assert str(path.parent.relative_to(tmp_path / "checkpoints")) == OLD["folder"]
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
        progress = json.loads(file.metadata()["progress"])
    assert {key: [str(t.dtype).removeprefix("torch."), list(t.shape)] for key, t in tensors.items()} == OLD["tensors"]
    assert progress.keys() == OLD["progress"].keys()
    assert progress["job"].keys() - OLD["progress"]["job"].keys() == {"held_out"}
    assert OLD["progress"]["job"].items() <= progress["job"].items()
    assert all(epoch.keys() == OLD["progress"]["history"][0].keys() for epoch in progress["history"])


def test_a_training_resumes_from_an_old_checkpoint(survey: tuple[str, str], tmp_path: Path) -> None:
    fresh = network().state_dict()
    tensors = {}
    for key, (dtype, shape) in OLD["tensors"].items():
        kind, _, name = key.partition("/")
        tensors[key] = (
            fresh[name].clone() if kind in ("model", "kept") else torch.zeros(shape).to(getattr(torch, dtype))
        )
    tensors["generator"] = torch.Generator().manual_seed(1).get_state()
    folder = tmp_path / "checkpoints" / OLD["folder"]
    folder.mkdir(parents=True)
    save_file(
        {key: tensor.contiguous() for key, tensor in tensors.items()},
        folder / "checkpoint.safetensors",
        metadata={"progress": json.dumps(OLD["progress"])},
    )
    run(survey, tmp_path)
    curve = json.loads((tmp_path / "curve.json").read_text())
    assert len(curve["epochs"]) == 4
    assert curve["epochs"][1]["loss"] == OLD["progress"]["history"][1]["loss"], "the old epochs are kept, not repeated"
