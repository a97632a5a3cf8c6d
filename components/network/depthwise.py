"""Depthwise convolutions that train fast on a CPU.

oneDNN, which torch uses on a CPU, has fast kernels for all parts of a depthwise convolution in float32 but one: the
gradient of the weights takes up to thirty times as long as the convolution where the kernel is larger than 3 x 3, or
than the map. docs/benchmarks.md has what that costs in a training step.
"""

from functools import partial
from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import pad_same
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK = 3
"""Side of the kernels whose gradient oneDNN computes fast."""

LARGEST = 8
"""Largest side of an output up to which blocks are faster; copying the parts of larger maps takes too long."""


def speed_depthwise(model: nn.Module) -> None:
    """Has the depthwise convolutions of a network train fast on a CPU.

    They compute in float32 also under autocast, since their bf16 backward pass has no fast kernel either, and their
    gradients differ from torch's by rounding alone. Nothing changes on a GPU, or when the network does not train.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
            module.forward = partial(_forward, module)  # type: ignore[method-assign]


def _forward(module: nn.Conv2d, x_BCHW: Tensor) -> Tensor:
    if not (module.training and x_BCHW.device.type == "cpu"):
        return type(module).forward(module, x_BCHW)
    with torch.autocast("cpu", enabled=False):
        return _convolve(module, x_BCHW.float()).to(x_BCHW.dtype)


def _convolve(module: nn.Conv2d, x_BCHW: Tensor) -> Tensor:
    if not _is_slow(module, min(x_BCHW.shape[2:])):
        return type(module).forward(module, x_BCHW)
    if isinstance(module, Conv2dSame):
        x_BCHW = pad_same(x_BCHW, list(module.kernel_size), list(module.stride))
    else:
        height, width = int(module.padding[0]), int(module.padding[1])
        x_BCHW = F.pad(x_BCHW, (width, width, height, height))
    y_BCHW = _Depthwise.apply(x_BCHW, module.weight, module.stride[0])
    return y_BCHW if module.bias is None else y_BCHW + module.bias[:, None, None]


def _is_slow(module: nn.Conv2d, smallest: int) -> bool:
    """Whether oneDNN is slow for a map of this smallest side, and `_Depthwise` can do what the module does."""
    known = type(module) in (nn.Conv2d, Conv2dSame)  # others may pad in ways of their own
    plain = isinstance(module.padding, tuple) and module.padding_mode == "zeros" and module.dilation == (1, 1)
    square = len({*module.kernel_size}) == len({*module.stride}) == 1
    side = module.kernel_size[0]
    slow = (side > BLOCK and -(-smallest // module.stride[0]) <= LARGEST) or side == BLOCK > smallest
    return slow and known and plain and square and module.out_channels == module.in_channels


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution of a padded input; the gradient of its weights is computed by blocks of the kernel.

    Each block of 3 x 3 weights is the kernel of a convolution of a part of the input, whose gradient is fast.
    """

    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, weight_C1KK: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x_BCHW, weight_C1KK)
        ctx.stride = stride
        return F.conv2d(x_BCHW, weight_C1KK, stride=stride, groups=len(weight_C1KK))

    @staticmethod
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x_BCHW, weight_C1KK = ctx.saved_tensors
        needs_x, needs_weight, _ = ctx.needs_input_grad
        of_x = _gradients(grad_BCHW, x_BCHW, weight_C1KK, ctx.stride, of_weight=False) if needs_x else None
        return of_x, _of_weight(grad_BCHW, x_BCHW, weight_C1KK, ctx.stride) if needs_weight else None, None


def _of_weight(grad_BCHW: Tensor, x_BCHW: Tensor, weight_C1KK: Tensor, stride: int) -> Tensor:
    side, (height, width) = weight_C1KK.shape[2], grad_BCHW.shape[2:]
    result_C1KK = torch.empty_like(weight_C1KK)
    firsts = sorted({*range(0, side - BLOCK, BLOCK), side - BLOCK})
    for top in firsts:
        for left in firsts:
            bottom, right = top + (height - 1) * stride + BLOCK, left + (width - 1) * stride + BLOCK
            part_BCHW = x_BCHW[:, :, top:bottom, left:right].contiguous(memory_format=torch.channels_last)
            block = (..., slice(top, top + BLOCK), slice(left, left + BLOCK))
            result_C1KK[block] = _gradients(grad_BCHW, part_BCHW, weight_C1KK[block].contiguous(), stride)
    return result_C1KK


def _gradients(
    grad_BCHW: Tensor, x_BCHW: Tensor, weight_C1KK: Tensor, stride: int, *, of_weight: bool = True
) -> Tensor:
    """The gradient of a depthwise convolution's weights or of its input, by torch."""
    both = torch.ops.aten.convolution_backward(
        grad_BCHW, x_BCHW, weight_C1KK, None, [stride, stride], [0, 0], [1, 1], False, [0, 0], len(weight_C1KK),
        [not of_weight, of_weight, False],
    )  # fmt: skip
    return both[1 if of_weight else 0]
