"""Changes of a map's side whose backward passes add in a fixed order, so that a GPU gives equal bits as well.

torch's own bilinear interpolation and adaptive max pooling add gradients on a GPU in no fixed order.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def interpolation_matrix(side: int, target: int, device: torch.device | None = None) -> Tensor:
    """The matrix (target, side), float32, of a bilinear interpolation along one axis: the identity, interpolated."""
    identity_11SS = torch.eye(side, dtype=torch.float64, device=device)[None, None]
    matrix_11TS = F.interpolate(identity_11SS, size=(target, side), mode="bilinear", align_corners=False)
    return matrix_11TS[0, 0].to(torch.get_default_dtype())


def interpolate(x_BCSS: Tensor, matrix_TS: Tensor) -> Tensor:
    """Interpolates square maps (B, C, S, S) to (B, C, T, T) by two matrix products: the rows, then the columns.

    The result is that of `torch.nn.functional.interpolate` without aligned corners, to rounding.
    """
    return matrix_TS @ (x_BCSS @ matrix_TS.T)


class Interpolation(nn.Module):
    """Bilinear interpolation of square maps, in float32 also under autocast.

    Args:
        side: Side of the maps.
        target: Side of the result.
    """

    matrix_TS: Tensor

    def __init__(self, side: int, target: int) -> None:
        super().__init__()
        self.register_buffer("matrix_TS", interpolation_matrix(side, target), persistent=False)

    def forward(self, x_BCSS: Tensor) -> Tensor:
        """Interpolates (B, C, side, side) to (B, C, target, target)."""
        with torch.autocast(x_BCSS.device.type, torch.bfloat16, enabled=False):
            return interpolate(x_BCSS.to(self.matrix_TS.dtype), self.matrix_TS)


class SlicedMaxPool(nn.Module):
    """Adaptive max pooling to 4 x 4 for a side that is neither a multiple nor a divisor of four, by slices."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Pools (B, C, S, S) to (B, C, 4, 4)."""
        side = int(x_BCHW.shape[2])
        spans = [slice(k * side // 4, -(-(k + 1) * side // 4)) for k in range(4)]
        rows = [torch.cat([x_BCHW[:, :, y, x].amax((2, 3), keepdim=True) for x in spans], 3) for y in spans]
        return torch.cat(rows, 2)


def pool_to_4(side: int) -> nn.Module:
    """Adaptive max pooling of maps of a given side to 4 x 4."""
    if side % 4 == 0:
        return nn.MaxPool2d(side // 4)
    if 4 % side == 0:
        return nn.Upsample(size=4, mode="nearest")
    return SlicedMaxPool()
