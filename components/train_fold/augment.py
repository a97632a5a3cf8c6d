"""The recipe's augmentation, batched on the device: every geometric member is one warp of the sampling grid.

Flip, shift-scale-rotate, random sized crop, elastic and grid distortion compose to one set of source coordinates, so an
image is interpolated once, directly from its 101 x 101 pixels; padding by reflection is the same step. Each image draws
its own members and strengths. docs/recipe.md lists the strengths that the recipe leaves open.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.network.inputs import image_axis, input_axis, normalise, sample, square_grid

SHIFT, SCALE, ROTATE = 0.0625, 0.1, 15.0  # fraction of the side, fraction, degrees
CROP = (50 / 101, 1.0)  # side of the crop, as a fraction of the image's
ELASTIC_NODES, ELASTIC_STD = 9, 0.05  # lattice, displacement in half sides (0.05 is 2.5 px)
GRID_STEPS, GRID_LIMIT = 5, 0.3
BRIGHTNESS, GAMMA = 0.2, (0.8, 1.25)


class Augment:
    """Draws augmentations and applies them.

    Args:
        config: The network's part of the configuration.
        probability: Probability that an image is augmented at all.
        generator: Random generator on the CPU, so that a run does not depend on the device.
        device: Where the images are.
    """

    def __init__(
        self, config: ModelConfig, probability: float, generator: torch.Generator, device: torch.device
    ) -> None:
        self.config, self.probability, self.generator, self.device = config, probability, generator, device
        self.input_axis, self.image_axis = input_axis(config, device), image_axis(device)

    def __call__(self, image_BHW: Tensor, mask_BHW: Tensor) -> tuple[Tensor, Tensor]:
        """Augments a batch.

        Args:
            image_BHW: uint8, (B, 101, 101).
            mask_BHW: uint8, 0 or 1, (B, 101, 101).

        Returns:
            Normalised inputs (B, 1, S, S) and masks (B, 101, 101) of 0 and 1, both float32.
        """
        warp = Warp(len(image_BHW), self.probability, self.generator, self.device)
        x_B1HW = sample(image_BHW[:, None].float() / 255, warp(square_grid(self.input_axis, len(image_BHW))))
        truth_B1HW = sample(mask_BHW[:, None].float(), warp(square_grid(self.image_axis, len(mask_BHW))))
        x_B1HW = shade(x_B1HW, warp.shading, self.generator)
        return normalise(x_B1HW, self.config), (truth_B1HW[:, 0] > 0.5).float()


class Warp:
    """One batch's draw: which members each image gets, how strong, and the map of coordinates they make.

    Args:
        batch: Number of images.
        probability: Probability that an image is augmented at all.
        generator: Random generator on the CPU.
        device: Where the coordinates will be.
    """

    def __init__(self, batch: int, probability: float, generator: torch.Generator, device: torch.device) -> None:
        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(batch, *shape, generator=generator)

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
        shift_B2 = torch.where((turned | cropped)[:, None], uniform(-1, 1, 2) * reach, 0.0)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        matrix_B22 = torch.stack([cos * flip, -sin, sin * flip, cos], dim=1).view(batch, 2, 2)

        # Only the images that drew a member carry its parameters, so the others do no work for it.
        nodes_B2HW = torch.randn(batch, 2, ELASTIC_NODES, ELASTIC_NODES, generator=generator) * ELASTIC_STD
        steps_B2K = uniform(1 - GRID_LIMIT, 1 + GRID_LIMIT, 2, GRID_STEPS)
        steps_B2K = 2 * steps_B2K / steps_B2K.sum(dim=2, keepdim=True)
        elastic, stretched = (geometry == 2).nonzero()[:, 0], (second == 0).nonzero()[:, 0]

        self.matrix_B22, self.shift_B2 = matrix_B22.to(device), shift_B2.to(device)
        self.elastic, self.nodes_E2HW = elastic.to(device), nodes_B2HW[elastic].to(device)
        self.stretched, self.steps_R2K = stretched.to(device), steps_B2K[stretched].to(device)
        self.shading = second

    def __call__(self, grid_BHW2: Tensor) -> Tensor:
        """Maps coordinates of the result to coordinates of the source, both -1 to 1 over the image."""
        bend_E2HW = F.grid_sample(self.nodes_E2HW, grid_BHW2[self.elastic], padding_mode="border", align_corners=True)
        grid_BHW2 = torch.einsum("bhwj,bij->bhwi", grid_BHW2, self.matrix_B22) + self.shift_B2[:, None, None]
        grid_BHW2[self.elastic] += bend_E2HW.permute(0, 2, 3, 1)
        grid_BHW2[self.stretched] = self._stretch(grid_BHW2[self.stretched])
        return grid_BHW2

    def _stretch(self, grid_RHW2: Tensor) -> Tensor:
        """Grid distortion: each axis is piecewise linear, in `GRID_STEPS` steps of random width."""
        ends_R2K = self.steps_R2K.cumsum(dim=2) - 1
        position = (grid_RHW2 + 1) * (GRID_STEPS / 2)
        step = position.floor().clamp(0, GRID_STEPS - 1)
        index = step.long().permute(0, 3, 1, 2).flatten(2)
        width = self.steps_R2K.gather(2, index).view(step.permute(0, 3, 1, 2).shape).permute(0, 2, 3, 1)
        end = ends_R2K.gather(2, index).view(step.permute(0, 3, 1, 2).shape).permute(0, 2, 3, 1)
        return end + (position - step - 1) * width


def shade(x_B1HW: Tensor, member_B: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness (member 1), gamma (2) or a box blur of 3 or 5 pixels (3), by image.

    Args:
        x_B1HW: Fractions of white.
        member_B: The member of each image, on the CPU; others leave it alone.
        generator: Random generator on the CPU.

    Returns:
        The images, 0 to 1.
    """
    draw_3B = torch.rand(3, len(x_B1HW), generator=generator)
    bright = torch.where(member_B == 1, (2 * draw_3B[0] - 1) * BRIGHTNESS, 0.0).to(x_B1HW.device)
    x_B1HW = (x_B1HW + bright[:, None, None, None]).clamp(1e-6, 1)
    dark = (member_B == 2).nonzero()[:, 0]
    gamma = (GAMMA[0] + (GAMMA[1] - GAMMA[0]) * draw_3B[1, dark]).to(x_B1HW.device)
    dark = dark.to(x_B1HW.device)
    x_B1HW[dark] = x_B1HW[dark].pow(gamma[:, None, None, None])
    for size, chosen in ((3, draw_3B[2] < 0.5), (5, draw_3B[2] >= 0.5)):
        rows = ((member_B == 3) & chosen).nonzero()[:, 0].to(x_B1HW.device)
        x_B1HW[rows] = F.avg_pool2d(x_B1HW[rows], size, stride=1, padding=size // 2, count_include_pad=False)
    return x_B1HW
