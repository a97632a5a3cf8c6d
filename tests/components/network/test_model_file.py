"""A trained model's folder: what is altered, missing or of another kind is refused."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.model_file import load_model, save_model
from tests.components.network.tiny import ENCODER, network

CPU = torch.device("cpu")
FACTS: dict[str, Any] = {"encoder": ENCODER, "fold": 1, "config_hash": "c", "data_hash": "d", "score": 0.5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = network().to(memory_format=torch.channels_last)
    save_model(str(tmp_path), model.state_dict(), model.config, FACTS)
    return tmp_path


def replace_weights(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """Writes other weights, and their digest into the sidecar."""
    path = folder / "model.safetensors"
    save_file(weights, path)
    sidecar = json.loads((folder / "model.json").read_text())
    sidecar["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(sidecar))


def test_comes_back_bit_for_bit(folder: Path) -> None:
    model, sidecar = load_model(str(folder), CPU)
    saved = network().state_dict()
    assert all(torch.equal(value, saved[key]) for key, value in model.state_dict().items())
    assert sidecar.items() >= FACTS.items()
    assert not model.training
    assert not list(folder.glob("*.part"))


def test_altered_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(SaltError, match=r"model\.safetensors: was altered"):
        load_model(str(folder), CPU)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SaltError, match=name.replace(".", r"\.")):
        load_model(str(folder), CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "wrong version .found 2, expected 1"),
        ({"version": True}, "wrong version .found True, expected 1"),
        (
            {"encoder": "resnet18"},
            r"encoder.conv1.weight: tensor is missing \(found 281 tensors, expected 231 tensors\)",
        ),
        ({"encoder": "resnet19"}, r"model\.json: encoder: no such encoder of five levels \(found resnet19"),
        ({"encoder": "../../evil"}, r"model.json: encoder: Input should be "),
        ({"encoder": ["resnet18"]}, r"model.json: encoder: Input should be a valid string"),
        ({"fold": -5}, r"model.json: fold: .*greater than or equal to 0 \(found -5\)"),
        ({"fold": 1.5}, r"model.json: fold: .*valid integer \(found 1.5\)"),
        ({"sha256": None}, r"model.json: sha256: "),
        ({"architecture": {"stem_stride": 3}}, r"model.json: architecture.stem_stride: Input should be 1 or 2"),
        ({"architecture": {"decoder": "large"}}, r"model.json: architecture.decoder: Extra inputs"),
        (
            {"architecture": {"centre_channels": 10**9}},
            r"architecture.centre_channels: .*equal to 4096 \(found 10{9}\)",
        ),
        ({"architecture": {"decoder_channels": 10**9}}, r"architecture.decoder_channels: .*less than or equal"),
        ({"architecture": []}, r"model.json: architecture: "),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SaltError, match=message):
        load_model(str(folder), CPU)


def test_a_sidecar_of_another_shape_is_refused(folder: Path) -> None:
    path = folder / "model.json"
    sidecar = json.loads(path.read_text())
    path.write_text(json.dumps({key: sidecar[key] for key in sidecar if key not in ("fold", "sha256")}))
    with pytest.raises(SaltError, match=r"entries are missing \(found fold, sha256\)"):
        load_model(str(folder), CPU)
    path.write_text("[]")
    with pytest.raises(SaltError, match="wrong version"):
        load_model(str(folder), CPU)
    path.write_text("{")
    with pytest.raises(SaltError, match="is not JSON"):
        load_model(str(folder), CPU)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_neither_read_nor_written(folder: Path, value: float) -> None:
    model = network()
    weights = model.state_dict()
    name = "decoder.4.conv.1.bias"
    weights[name][0] = value
    with pytest.raises(SaltError, match=f"{name}: the weights hold numbers that are not finite"):
        save_model(str(folder / "other"), weights, model.config, FACTS)
    assert not (folder / "other").exists()
    replace_weights(folder, weights)
    with pytest.raises(SaltError, match=rf"model\.safetensors: {name}: .* \(found {value}, 1 of 16 numbers"):
        load_model(str(folder), CPU)


def test_other_tensors_are_named(folder: Path) -> None:
    def refused(tensors: dict[str, torch.Tensor], message: str) -> None:
        replace_weights(folder, tensors)
        with pytest.raises(SaltError, match=message):
            load_model(str(folder), CPU)

    weights = network().state_dict()
    refused(weights | {"bias": torch.zeros(2)}, r"safetensors: bias: .*found float32 \(2,\), expected float32 \(1,\)")
    refused(weights | {"bias": torch.zeros(1).half()}, r"bias: .*found float16 \(1,\), expected float32 \(1,\)")
    refused(weights | {"more": torch.zeros(1)}, r"more: unexpected tensor")


def test_a_negative_variance_is_refused(folder: Path) -> None:
    weights = network().state_dict()
    name = next(key for key in weights if key.endswith("running_var"))
    weights[name][0] = -1
    replace_weights(folder, weights)
    with pytest.raises(SaltError, match=rf"model\.safetensors: {name}: holds a negative variance \(found -1\.0\)"):
        load_model(str(folder), CPU)
