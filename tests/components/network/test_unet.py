"""Shapes and switches of the network, and that its short last layer is the recipe's long one."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.unet import SaltNet, build_encoder, feature_sizes
from tests.components.network.tiny import ENCODER, network


@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("switches", [{}, {"scse": False}, {"hypercolumn": False}, {"gate": False}])
def test_gives_a_logit_a_pixel_and_one_an_image(stem_stride: int, switches: dict[str, Any]) -> None:
    logit_B1HW, salt_B = network(stem_stride=stem_stride, **switches)(torch.rand(2, 1, 64, 64))
    assert logit_B1HW.shape == (2, 1, 64, 64)
    assert salt_B.shape == (2,)
    assert logit_B1HW.dtype == salt_B.dtype == torch.float32
    assert logit_B1HW.std() > 0


@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("size", [72, 96, 104, 112, 160, 224])
def test_takes_sizes_whose_maps_have_odd_sides(size: int, stem_stride: int) -> None:
    logit_B1HW, _ = network(input_size=size, stem_stride=stem_stride)(torch.rand(2, 1, size, size))
    assert logit_B1HW.shape == (2, 1, size, size)


class Halves(nn.Module):
    """Maps of half the side each, rounded down."""

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        return [x_BCHW[:, :, : x_BCHW.shape[2] >> level, : x_BCHW.shape[2] >> level] for level in range(6)]


def test_an_encoder_that_rounds_odd_sides_down_is_refused() -> None:
    assert [side for _, side in feature_sizes(Halves(), "halves", 128)] == [64, 32, 16, 8, 4]
    with pytest.raises(SaltError, match="rounded up"):
        feature_sizes(Halves(), "halves", 104)


@pytest.mark.parametrize("encoder", ["resnet18", "tu-tf_efficientnet_lite0", "mit_b0", "tu-convnext_atto"])
def test_takes_encoders_of_smp_and_timm(encoder: str) -> None:
    logit_B1HW, salt_B = network(encoder)(torch.rand(2, 1, 64, 64))
    assert logit_B1HW.shape == (2, 1, 64, 64)
    assert salt_B.shape == (2,)


@pytest.mark.parametrize("encoder", ["resnet19", "tu-lcnet_036", "tu-vit_tiny_patch16_224"])
def test_an_unknown_encoder_is_named(encoder: str) -> None:
    with pytest.raises(SaltError, match=f"encoders: no such encoder of five levels .found {encoder}"):
        network(encoder)


@pytest.mark.parametrize("encoder", ["mit_b0", "inceptionv4", "mobileone_s0"])
def test_an_encoder_without_a_stem_is_refused_at_stem_stride_1(encoder: str) -> None:
    with pytest.raises(SaltError, match="stem_stride=2"):
        network(encoder, stem_stride=1)


class FullSize(nn.Module):
    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        return [x_BCHW] * 6


def test_an_encoder_that_stays_at_full_size_is_refused() -> None:
    with pytest.raises(SaltError, match="down to an eighth"):
        feature_sizes(FullSize(), "full", 64)


def literal_logits(model: SaltNet, x_B1HW: Tensor, gate: bool) -> Tensor:
    """The recipe's own last layer: one 1 x 1 convolution of the gated stack of full-size maps."""
    maps: list[Tensor] = []
    hooks = [m.register_forward_hook(lambda _m, _i, out: maps.append(out)) for m in (*model.decoder, model.centre)]
    _, salt_B = model(x_B1HW)
    for hook in hooks:
        hook.remove()
    centre, *outputs = maps
    full = [F.interpolate(m, size=x_B1HW.shape[2:], mode="bilinear", align_corners=False) for m in (*outputs, centre)]
    hypercolumn_BCHW = torch.cat(full, dim=1)
    if gate:
        hypercolumn_BCHW = hypercolumn_BCHW * salt_B.sigmoid()[:, None, None, None]
    weight = torch.cat([column.get_parameter("weight") for column in model.columns], dim=1)
    return F.conv2d(hypercolumn_BCHW, weight, model.bias)


@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("gate", [True, False])
def test_the_factorised_head_is_the_hypercolumn(stem_stride: int, gate: bool) -> None:
    model = network(stem_stride=stem_stride, gate=gate).double().eval()
    nn.init.constant_(model.bias, 0.3)
    x_B1HW = torch.rand(3, 1, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        literal, factorised = literal_logits(model, x_B1HW, gate), model(x_B1HW)[0]
    # the head itself adds in float32
    torch.testing.assert_close(factorised, literal, rtol=1e-5, atol=1e-6, check_dtype=False)
    assert literal.std() > 1e-3


def test_without_hypercolumn_only_the_last_stage_is_read() -> None:
    model = network(hypercolumn=False)
    assert [column.in_channels for column in model.columns] == [16]


@pytest.mark.parametrize(
    ("encoder", "stem_stride", "sides"),
    [
        ("resnet18", 1, [64, 64, 32, 16, 8]),
        ("resnet18", 2, [32, 16, 8, 4, 2]),
        ("se_resnext50_32x4d", 1, [64, 64, 32, 16, 8]),
        (ENCODER, 1, [64, 32, 16, 8, 4]),
    ],
)
def test_stem_stride_1_keeps_the_full_resolution(encoder: str, stem_stride: int, sides: list[int]) -> None:
    module = build_encoder(encoder, stem_stride)
    assert [side for _, side in feature_sizes(module, encoder, 64)] == sides
    if stem_stride == 1:
        assert not [m for m in module.modules() if isinstance(m, nn.MaxPool2d)]


def test_transposes_only_where_the_skip_is_larger() -> None:
    model = network("resnet18", stem_stride=1)
    transposed: list[Any] = [any(isinstance(m, nn.ConvTranspose2d) for m in stage.modules()) for stage in model.decoder]
    # centre 4 -> 8 (skip: the unpooled centre), 8 -> 16, 16 -> 32, 32 -> 64, 64 stays
    assert transposed == [True, True, True, True, False]


def test_the_gate_closes_what_the_classifier_denies() -> None:
    model = network(gate=True).eval()
    with torch.no_grad():
        model.classifier[1].get_parameter("bias").fill_(-1e4)
        logit_B1HW, _ = model(torch.rand(1, 1, 64, 64))
    assert (logit_B1HW == model.bias).all()
