"""Number formats."""

import torch
from torch import Tensor, nn

from salt_pipeline.components.network.device import spare_depthwise


class Net(nn.Module):
    """A pointwise and a depthwise convolution, which note what they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(4, 8, 1)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.depthwise(self.pointwise(x_BCHW))


def test_depthwise_convolutions_train_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    net, x_BCHW = Net(), torch.randn(2, 4, 6, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plain_BCHW = net(x_BCHW)
        spare_depthwise(net)
        spared_BCHW = net(x_BCHW)
        exact = nn.functional.conv2d
        given_BCHW = net.pointwise(x_BCHW)
    exact_BCHW = exact(given_BCHW.float(), net.depthwise.weight, net.depthwise.bias, groups=8)

    assert plain_BCHW.dtype == spared_BCHW.dtype == torch.bfloat16
    assert torch.equal(spared_BCHW, exact_BCHW.bfloat16())

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(net.eval()(x_BCHW), plain_BCHW)


def test_without_autocast_nothing_changes() -> None:
    torch.manual_seed(0)
    net, x_BCHW = Net(), torch.randn(2, 4, 6, 6)
    before_BCHW = net(x_BCHW)
    spare_depthwise(net)
    assert torch.equal(net(x_BCHW), before_BCHW)
