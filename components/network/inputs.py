"""From 101 x 101 images to the network's square input, and back."""

import torch
from torch import Tensor
from torch.nn import functional as F

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.network.resampling import interpolate, interpolation_matrix


def input_axis(config: ModelConfig, device: torch.device) -> Tensor:
    """Position of each row (or column) of the input in the image.

    Returns:
        (S,) float32, -1 at the centre of the image's first pixel and 1 at its last; beyond them is padding. 101 to 128
        pads 13 before and 14 after.
    """
    size = config.input_size
    index = torch.arange(size, device=device)
    pixel = index - (size - SIDE) // 2 if config.fit == "pad" else (index + 0.5) * (SIDE / size) - 0.5
    return pixel * (2 / (SIDE - 1)) - 1


def image_axis(device: torch.device) -> Tensor:
    """The same for the image's own pixels: (101,), from -1 to 1."""
    return torch.linspace(-1, 1, SIDE, device=device)


def square_grid(axis: Tensor, batch: int) -> Tensor:
    """Makes coordinates (B, S, S, 2), x before y, from an axis (S,)."""
    y_HW, x_HW = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x_HW, y_HW], dim=-1).expand(batch, -1, -1, -1)


def sample(image_B1HW: Tensor, grid_BHW2: Tensor) -> Tensor:
    """Reads float images at the coordinates, bilinear, reflected at the centre of the border pixels."""
    return F.grid_sample(image_B1HW, grid_BHW2, mode="bilinear", padding_mode="reflection", align_corners=True)


def to_input(image_BHW: Tensor, config: ModelConfig) -> Tensor:
    """Brings uint8 images (B, 101, 101) to normalised inputs (B, 1, S, S)."""
    grid_BHW2 = square_grid(input_axis(config, image_BHW.device), len(image_BHW))
    return normalise(sample(image_BHW[:, None].float() / 255, grid_BHW2), config)


def normalise(x_B1HW: Tensor, config: ModelConfig) -> Tensor:
    """Shifts and scales fractions of white to the range that the encoder's weights expect."""
    return (x_B1HW - config.input_mean) / config.input_std


def to_image(logit_B1HW: Tensor, config: ModelConfig) -> Tensor:
    """Brings logits (B, 1, S, S) back to the image's own pixels, (B, 101, 101)."""
    if config.fit == "pad":
        start = (config.input_size - SIDE) // 2
        return logit_B1HW[:, 0, start : start + SIDE, start : start + SIDE]
    return interpolate(logit_B1HW, interpolation_matrix(config.input_size, SIDE, logit_B1HW.device))[:, 0]
