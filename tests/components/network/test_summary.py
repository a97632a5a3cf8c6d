"""The summary of a network, against the network itself."""

from itertools import pairwise
from typing import Any

import pytest
import torch

from salt_pipeline.components.network.summary import summarise
from salt_pipeline.components.network.unet import SaltNet
from tests.components.network.tiny import ENCODER, network


def summary(**changes: Any) -> tuple[SaltNet, dict[str, Any]]:
    model = network(input_size=128, **changes)
    return model, summarise(model, ENCODER)


def kinds(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in found["layers"] if layer["kind"] == kind]


@pytest.mark.parametrize("hypercolumn", [True, False])
def test_every_parameter_is_counted_once(hypercolumn: bool) -> None:
    model, found = summary(hypercolumn=hypercolumn)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert found["parameters"] == total == sum(layer["parameters"] for layer in found["layers"])


def test_the_encoder_is_five_stages_of_what_it_gives() -> None:
    model, found = summary()
    with torch.no_grad():
        features = model.encoder.eval()(torch.zeros(1, 3, 128, 128))[1:]
    stages = kinds(found, "encoder")
    assert [stage["shape"] for stage in stages] == [list(feature.shape[1:]) for feature in features]
    assert all(stage["parameters"] > 0 for stage in stages)
    encoder = sum(parameter.numel() for parameter in model.encoder.parameters())
    assert sum(stage["parameters"] for stage in stages) == encoder


def test_the_decoder_comes_back_to_full_size() -> None:
    model, found = summary()
    sides = [layer["shape"][1] for layer in kinds(found, "decoder")]
    assert len(sides) == 5
    assert all(low <= high for low, high in pairwise(sides))
    width, centre = model.config.decoder_channels, model.config.centre_channels
    assert kinds(found, "hypercolumn")[0]["shape"] == [5 * width + centre, 128, 128]
    assert kinds(found, "hypercolumn")[0]["maps"] == 6
    assert kinds(found, "head")[0]["shape"] == [1, 128, 128]
    assert [layer["kind"] for layer in found["layers"]] == (
        ["input"] + 5 * ["encoder"] + 2 * ["centre"] + ["gate"] + 5 * ["decoder"] + ["hypercolumn", "head"]
    )


def test_options_that_are_off_are_said() -> None:
    _, found = summary(scse=False, gate=False, hypercolumn=False)
    assert not any(layer["scse"] for layer in kinds(found, "decoder"))
    assert kinds(found, "gate")[0]["gates"] is False
    assert kinds(found, "hypercolumn")[0]["maps"] == 1


def test_the_network_is_left_as_it_was() -> None:
    model = network()
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    summarise(model, ENCODER)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
