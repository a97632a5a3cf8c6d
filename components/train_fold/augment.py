"""The recipe's augmentation, batched on the device: every geometric member is one warp of the sampling grid.

Flip, shift-scale-rotate, random sized crop, elastic and grid distortion compose to one set of source coordinates, so an
image is interpolated once, directly from its 101 x 101 pixels; padding by reflection is the same step.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.network.inputs import image_axis, input_axis, normalise, sample, square_grid
from salt_pipeline.components.train_fold.draws import GRID_STEPS, Draws


class Augment:
    """Applies draws to images.

    Args:
        config: The network's part of the configuration.
        device: Where the images are.
    """

    def __init__(self, config: ModelConfig, device: torch.device) -> None:
        self.config = config
        self.input_axis, self.image_axis = input_axis(config, device), image_axis(device)

    def __call__(self, image_BHW: Tensor, mask_BHW: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Augments a batch.

        Args:
            image_BHW: uint8, (B, 101, 101).
            mask_BHW: uint8, 0 or 1, (B, 101, 101).
            draws: The draws of these images, on the same device.

        Returns:
            Normalised inputs (B, 1, S, S) and masks (B, 101, 101) of 0 and 1, both float32.
        """
        x_B1HW = sample(image_BHW[:, None].float() / 255, warp(square_grid(self.input_axis, len(image_BHW)), draws))
        truth_B1HW = sample(mask_BHW[:, None].float(), warp(square_grid(self.image_axis, len(mask_BHW)), draws))
        return normalise(shade(x_B1HW, draws), self.config), (truth_B1HW[:, 0] > 0.5).float()


def warp(grid_BHW2: Tensor, draws: Draws) -> Tensor:
    """Maps coordinates of the result to coordinates of the source, both -1 to 1 over the image."""
    plain_BHW2 = torch.einsum("bhwj,bij->bhwi", grid_BHW2, draws.matrix_N22) + draws.shift_N2[:, None, None]
    bent_BHW2 = _change(draws.elastic_N, _bend, plain_BHW2, grid_BHW2, draws.nodes_N2KK)
    return _change(draws.stretched_N, _stretch, bent_BHW2, draws.steps_N2K)


def shade(x_B1HW: Tensor, draws: Draws) -> Tensor:
    """Brightness, gamma or a box blur by image, of fractions of white; the result is 0 to 1."""
    x_B1HW = (x_B1HW + draws.brightness_N[:, None, None, None]).clamp(1e-6, 1)
    x_B1HW = _change(draws.gamma_N != 1, _gamma, x_B1HW, draws.gamma_N)
    x_B1HW = _change(draws.blur_N == 3, _blur_3, x_B1HW)
    return _change(draws.blur_N == 5, _blur_5, x_B1HW)


def _change(chosen_B: Tensor, change: Callable[..., Tensor], x_BCHW: Tensor, *arguments: Tensor) -> Tensor:
    """Applies a change to the chosen images of a batch, which may be changed in place.

    A CPU works on these images alone. A GPU works on all and discards the others, since a shape that depends on the
    draws would make it wait for the host in each step.

    Args:
        chosen_B: Which images are changed.
        change: The change, of images and arguments.
        x_BCHW: The images, or their coordinates.
        arguments: What else the change reads, by image.
    """
    apply = _change_alone if x_BCHW.device.type == "cpu" else _change_all
    return apply(chosen_B, change, x_BCHW, *arguments)


def _change_alone(chosen_B: Tensor, change: Callable[..., Tensor], x_BCHW: Tensor, *arguments: Tensor) -> Tensor:
    rows = chosen_B.nonzero()[:, 0]
    return x_BCHW.index_copy_(0, rows, change(x_BCHW[rows], *(argument[rows] for argument in arguments)))


def _change_all(chosen_B: Tensor, change: Callable[..., Tensor], x_BCHW: Tensor, *arguments: Tensor) -> Tensor:
    return torch.where(chosen_B[:, None, None, None], change(x_BCHW, *arguments), x_BCHW)


def _bend(plain_BHW2: Tensor, grid_BHW2: Tensor, nodes_B2KK: Tensor) -> Tensor:
    """Elastic distortion: each coordinate moves by the lattice's interpolated displacement at its place."""
    bend_B2HW = F.grid_sample(nodes_B2KK, grid_BHW2, padding_mode="border", align_corners=True)
    return plain_BHW2 + bend_B2HW.permute(0, 2, 3, 1)


def _stretch(grid_BHW2: Tensor, steps_B2K: Tensor) -> Tensor:
    """Grid distortion: each axis is piecewise linear, in `GRID_STEPS` steps of random width."""
    ends_B2K = steps_B2K.cumsum(dim=2) - 1
    position = (grid_BHW2 + 1) * (GRID_STEPS / 2)
    step = position.floor().clamp(0, GRID_STEPS - 1)
    index = step.long().permute(0, 3, 1, 2).flatten(2)
    width = steps_B2K.gather(2, index).view(step.permute(0, 3, 1, 2).shape).permute(0, 2, 3, 1)
    end = ends_B2K.gather(2, index).view(step.permute(0, 3, 1, 2).shape).permute(0, 2, 3, 1)
    return end + (position - step - 1) * width


def _gamma(x_B1HW: Tensor, gamma_B: Tensor) -> Tensor:
    return x_B1HW.pow(gamma_B[:, None, None, None])


def _blur_3(x_B1HW: Tensor) -> Tensor:
    return F.avg_pool2d(x_B1HW, 3, stride=1, padding=1, count_include_pad=False)


def _blur_5(x_B1HW: Tensor) -> Tensor:
    return F.avg_pool2d(x_B1HW, 5, stride=1, padding=2, count_include_pad=False)
