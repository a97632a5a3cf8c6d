"""Depthwise convolutions in training on a CPU, compared with torch's own."""

import copy

import pytest
import torch
from segmentation_models_pytorch.encoders._efficientnet import Conv2dStaticSamePadding
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from salt_pipeline.components.network.depthwise import speed_depthwise


class Net(nn.Module):
    """A pointwise and a depthwise convolution, which note what they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(4, 8, 1)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.depthwise(self.pointwise(x_BCHW))


def _gradients(module: nn.Module, x_BCHW: Tensor) -> list[Tensor]:
    """Output, and gradients of the input and of each parameter."""
    x_BCHW = x_BCHW.clone().requires_grad_()
    y_BCHW = module(x_BCHW)
    (y_BCHW * torch.linspace(-1, 1, y_BCHW.numel()).view(y_BCHW.shape)).sum().backward()
    assert x_BCHW.grad is not None
    return [y_BCHW.detach(), x_BCHW.grad, *(p.grad for p in module.parameters() if p.grad is not None)]


@pytest.mark.parametrize("same", [False, True], ids=["padded", "same"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7, 9])
@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_output_and_gradients_are_those_of_torch(side: int, kernel: int, stride: int, same: bool) -> None:
    torch.manual_seed(0)
    if same:
        module: nn.Conv2d = Conv2dSame(6, 6, kernel, stride, groups=6, bias=False)
    else:
        module = nn.Conv2d(6, 6, kernel, stride, kernel // 2, groups=6)
    x_BCHW = torch.randn(3, 6, side, side + 1).contiguous(memory_format=torch.channels_last)
    fast = copy.deepcopy(module)
    speed_depthwise(fast)
    for got, expected in zip(_gradients(fast, x_BCHW), _gradients(module, x_BCHW), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_large_maps_are_left_to_torch() -> None:
    torch.manual_seed(0)
    module, x_BCHW = nn.Conv2d(4, 4, 5, groups=4, padding=2), torch.randn(2, 4, 9, 9)
    plain = _gradients(copy.deepcopy(module), x_BCHW)
    speed_depthwise(module)
    for got, expected in zip(_gradients(module, x_BCHW), plain, strict=True):
        assert torch.equal(got, expected)


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(4, 8, 5, groups=4, padding=2),
        nn.Conv2d(4, 4, 5, groups=4, padding=4, dilation=2),
        nn.Conv2d(4, 4, (5, 3), groups=4),
        nn.Conv2d(4, 4, 5, (1, 2), groups=4),
        nn.Conv2d(4, 4, 5, groups=4, padding="same"),
        nn.Conv2d(4, 4, 5, groups=4, padding=2, padding_mode="reflect"),
        Conv2dStaticSamePadding(4, 4, 5, groups=4, image_size=(8, 8)),
    ],
    ids=["more channels", "dilated", "oblong", "two strides", "padding by name", "reflected", "smp"],
)
def test_unusual_convolutions_are_left_to_torch(module: nn.Conv2d) -> None:
    x_BCHW = torch.randn(2, 4, 8, 8)
    plain = _gradients(copy.deepcopy(module), x_BCHW)
    speed_depthwise(module)
    for got, expected in zip(_gradients(module, x_BCHW), plain, strict=True):
        assert torch.equal(got, expected)


def test_a_frozen_convolution_has_no_gradient_of_its_weights() -> None:
    module = nn.Conv2d(4, 4, 5, groups=4, padding=2).requires_grad_(False)
    speed_depthwise(module)
    assert len(_gradients(module, torch.randn(2, 4, 6, 6))) == 2


def test_depthwise_convolutions_train_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    net, x_BCHW = Net(), torch.randn(2, 4, 6, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plain_BCHW = net(x_BCHW)
        speed_depthwise(net)
        fast_BCHW = net(x_BCHW)
        exact = nn.functional.conv2d
        given_BCHW = net.pointwise(x_BCHW)
    exact_BCHW = exact(given_BCHW.float(), net.depthwise.weight, net.depthwise.bias, groups=8)

    assert plain_BCHW.dtype == fast_BCHW.dtype == torch.bfloat16
    assert torch.equal(fast_BCHW, exact_BCHW.bfloat16())

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(net.eval()(x_BCHW), plain_BCHW)


def test_without_autocast_the_output_does_not_change() -> None:
    torch.manual_seed(0)
    net, x_BCHW = Net(), torch.randn(2, 4, 6, 6)
    before_BCHW = net(x_BCHW)
    speed_depthwise(net)
    assert torch.equal(net(x_BCHW), before_BCHW)
