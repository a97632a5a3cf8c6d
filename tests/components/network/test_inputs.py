"""Padding and resizing of the 101 x 101 images."""

import numpy as np
import pytest
import torch

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.network.inputs import to_image, to_input
from tests.components.network.tiny import MODEL, images


def options(**changes: object) -> ModelConfig:
    return ModelConfig.model_validate(MODEL | {"input_mean": 0, "input_std": 1} | changes)


@pytest.mark.parametrize(("size", "before", "after"), [(128, 13, 14), (160, 29, 30), (288, 93, 94)])
def test_pads_by_reflection_as_numpy_does(size: int, before: int, after: int) -> None:
    image_BHW, _ = images(2)
    pad = (before, after)
    expected = np.pad(image_BHW.astype(np.float32) / 255, ((0, 0), pad, pad), mode="reflect")
    x_B1HW = to_input(torch.from_numpy(image_BHW), options(fit="pad", input_size=size))
    assert x_B1HW.shape == (2, 1, size, size)
    np.testing.assert_allclose(x_B1HW[:, 0].numpy(), expected, atol=1e-4)


def test_padding_and_cropping_gives_the_image_back() -> None:
    image_BHW = torch.from_numpy(images(2)[0])
    config = options(fit="pad", input_size=128)
    back = to_image(to_input(image_BHW, config), config)
    torch.testing.assert_close(back * 255, image_BHW.float(), rtol=0, atol=0.02)


@pytest.mark.parametrize("size", [64, 128, 256])
def test_resizing_keeps_places(size: int) -> None:
    """A ramp comes back as the same ramp, but for the border, where it is held or reflected."""
    config = options(fit="resize", input_size=size)
    ramp_HW = torch.arange(101, dtype=torch.uint8).expand(101, 101)
    ramp_BHW = torch.stack([ramp_HW, ramp_HW.T])
    x_B1HW = to_input(ramp_BHW, config)
    assert x_B1HW.shape == (2, 1, size, size)
    back = to_image(x_B1HW, config) * 255
    torch.testing.assert_close(back[:, 2:-2, 2:-2], ramp_BHW[:, 2:-2, 2:-2].float(), rtol=0, atol=0.02)


def test_normalises_with_mean_and_deviation() -> None:
    config = options(fit="pad", input_size=128, input_mean=0.5, input_std=0.25)
    x_B1HW = to_input(torch.tensor([0, 255], dtype=torch.uint8)[:, None, None].expand(2, 101, 101), config)
    torch.testing.assert_close(x_B1HW.mean(dim=(1, 2, 3)), torch.tensor([-2.0, 2.0]))
