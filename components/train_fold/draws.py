"""The random draws of the augmentation: each image draws its own members and strengths.

docs/recipe.md lists the strengths that the recipe leaves open.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

SHIFT, SCALE, ROTATE = 0.0625, 0.1, 15.0  # fraction of the side, fraction, degrees
CROP = (50 / 101, 1.0)  # side of the crop, as a fraction of the image's
ELASTIC_NODES, ELASTIC_STD = 9, 0.05  # lattice, displacement in half sides (0.05 is 2.5 px)
GRID_STEPS, GRID_LIMIT = 5, 0.3
BRIGHTNESS, GAMMA = 0.2, (0.8, 1.25)


class Draws(NamedTuple):
    """The members and strengths of many images, as tensors whose first axis is the image.

    Attributes:
        matrix_N22: Linear part of the map of coordinates: flip, rotation, scale, crop.
        shift_N2: Its shift, in half sides.
        elastic_N: Whether the image is distorted elastically.
        nodes_N2KK: Displacements of the lattice that the elastic distortion interpolates, in half sides.
        stretched_N: Whether the image is distorted by a grid.
        steps_N2K: Widths of that grid's steps, in half sides.
        brightness_N: Added to fractions of white; 0 for none.
        gamma_N: Exponent of fractions of white; 1 for none.
        blur_N: Side of the box blur in pixels, 3 or 5; 0 for none.
    """

    matrix_N22: Tensor
    shift_N2: Tensor
    elastic_N: Tensor
    nodes_N2KK: Tensor
    stretched_N: Tensor
    steps_N2K: Tensor
    brightness_N: Tensor
    gamma_N: Tensor
    blur_N: Tensor

    def to(self, device: torch.device) -> Self:
        """Copies all to a device."""
        return type(self)(*(value.to(device) for value in self))

    def take(self, index_B: Tensor) -> Self:
        """The draws of some images."""
        return type(self)(*(value.index_select(0, index_B) for value in self))


def draw(count: int, probability: float, generator: torch.Generator) -> Draws:
    """Draws what happens to each of `count` images.

    Args:
        count: Number of images.
        probability: Probability that an image is augmented at all.
        generator: Random generator on the CPU, so that a run does not depend on the device.

    Returns:
        The draws, on the CPU.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    on = uniform(0, 1) < probability
    # "One of" applies with probability 0.5; its members are then equally likely.
    geometry = torch.where(on & (uniform(0, 1) < 0.5), uniform(0, 3).floor(), -1.0)
    second = torch.where(on & (uniform(0, 1) < 0.5), uniform(0, 4).floor(), -1.0)
    flip = torch.where(on & (uniform(0, 1) < 0.5), -1.0, 1.0)

    turned, cropped = geometry == 0, geometry == 1
    side = torch.where(cropped, uniform(*CROP), 1.0)
    scale = torch.where(turned, 1 / uniform(1 - SCALE, 1 + SCALE), side)
    angle = torch.where(turned, uniform(-ROTATE, ROTATE).deg2rad(), 0.0)
    reach = torch.where(turned, 2 * SHIFT, 1 - side)[:, None]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    steps_N2K = uniform(1 - GRID_LIMIT, 1 + GRID_LIMIT, 2, GRID_STEPS)
    return Draws(
        matrix_N22=torch.stack([cos * flip, -sin, sin * flip, cos], dim=1).view(count, 2, 2),
        shift_N2=torch.where((turned | cropped)[:, None], uniform(-1, 1, 2) * reach, 0.0),
        elastic_N=geometry == 2,
        nodes_N2KK=torch.randn(count, 2, ELASTIC_NODES, ELASTIC_NODES, generator=generator) * ELASTIC_STD,
        stretched_N=second == 0,
        steps_N2K=2 * steps_N2K / steps_N2K.sum(dim=2, keepdim=True),
        brightness_N=torch.where(second == 1, uniform(-BRIGHTNESS, BRIGHTNESS), 0.0),
        gamma_N=torch.where(second == 2, uniform(*GAMMA), 1.0),
        blur_N=torch.where(second == 3, torch.where(uniform(0, 1) < 0.5, 3, 5), 0),
    )
