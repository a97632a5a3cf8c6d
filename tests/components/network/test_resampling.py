"""Interpolation as matrix products and pooling to 4 x 4 compute what torch's own operations compute."""

import pytest
import torch
from torch.nn import functional as F

from salt_pipeline.components.network.resampling import Interpolation, pool_to_4


@pytest.mark.parametrize(("side", "target"), [(1, 64), (2, 64), (4, 128), (7, 224), (64, 64), (128, 101), (256, 101)])
def test_interpolates_as_torch_does(side: int, target: int) -> None:
    x_BCSS = torch.randn(3, 2, side, side, dtype=torch.float64)
    wanted = F.interpolate(x_BCSS, size=(target, target), mode="bilinear", align_corners=False)
    torch.testing.assert_close(Interpolation(side, target).double()(x_BCSS), wanted, rtol=0, atol=1e-6)


def test_interpolates_in_float32_under_autocast() -> None:
    upsample = Interpolation(8, 64)
    x_BCSS = torch.randn(1, 1, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = upsample(x_BCSS)
    assert torch.equal(found, upsample(x_BCSS))
    assert upsample(x_BCSS.bfloat16()).dtype == torch.float32


def test_the_matrix_is_not_stored() -> None:
    assert not Interpolation(8, 64).state_dict()


@pytest.mark.parametrize("side", range(1, 13))
def test_pools_as_torch_does(side: int) -> None:
    x_BCHW = torch.randn(2, 3, side, side, requires_grad=True)
    found, wanted = pool_to_4(side)(x_BCHW), F.adaptive_max_pool2d(x_BCHW, 4)
    assert torch.equal(found, wanted)
    weight = torch.randn_like(wanted)
    gradients = [torch.autograd.grad((pooled * weight).sum(), x_BCHW)[0] for pooled in (found, wanted)]
    torch.testing.assert_close(*gradients)
