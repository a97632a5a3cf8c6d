"""From a model and images to probability maps."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salt_pipeline.components.core.config.config import Config, ModelConfig
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.device import autocast, memory_errors
from salt_pipeline.components.network.inputs import to_image, to_input
from salt_pipeline.components.network.unet import SaltNet

ON_CPU = 64
"""Images at once on a CPU, where the results do not depend on it."""

PIXELS_ON_GPU = 2**23
"""Input pixels at once on a GPU: 512 images of 128 x 128, or 128 of 256 x 256. More only take more memory.

With an EfficientNet-Lite they take 1.6 GB: computed from the sizes of all tensors of a prediction, in bfloat16.
"""

STEM_STRIDE_1 = 8
"""Factor of that memory where the stem has a stride of 1, computed likewise: 8.1 with SE-ResNeXt-50."""


def images_at_once(batch_size: int | Literal["auto"], model: ModelConfig, device: torch.device) -> int:
    """The batch size that a configuration or a bundle asks for, for a model on a device."""
    if batch_size != "auto":
        return batch_size
    pixels = model.input_size**2 * (STEM_STRIDE_1 if model.stem_stride == 1 else 1)
    return ON_CPU if device.type == "cpu" else max(1, PIXELS_ON_GPU // pixels)


@torch.inference_mode()
def predict_maps(
    model: SaltNet, image_BHW: Tensor, config: Config, *, flip_tta: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Predicts images in batches.

    Args:
        model: The network, on the images' device.
        image_BHW: uint8, (B, 101, 101).
        config: The configuration the model was trained with.
        flip_tta: Mean of the probabilities of each image and of its mirror image.

    Returns:
        Probabilities of salt by pixel as round(255 p), (B, 101, 101), and of any salt by image, (B,).

    Raises:
        SaltError: If a probability is not finite, or the memory of the GPU is full.
    """
    model.eval()
    maps, salts, finite = [], [], []
    size = images_at_once(config.predict.batch_size, config.model, image_BHW.device)
    with memory_errors("predict.batch_size", size):
        for part_BHW in image_BHW.split(size):
            map_BHW, salt_B = _probabilities(model, part_BHW, config)
            if flip_tta:
                mirrored_BHW, mirrored_B = _probabilities(model, part_BHW.flip(2), config)
                map_BHW, salt_B = (map_BHW + mirrored_BHW.flip(2)) / 2, (salt_B + mirrored_B) / 2
            finite.append(map_BHW.isfinite().all() & salt_B.isfinite().all())
            maps.append((map_BHW * 255).round().to(torch.uint8))
            salts.append(salt_B)
    if not torch.stack(finite).all():  # asked once, after the last batch: each question waits for the device
        raise SaltError("the network predicts numbers that are not finite: its weights are damaged, or too large")
    return torch.cat(maps).cpu().numpy(), torch.cat(salts).cpu().numpy()


def _probabilities(model: SaltNet, image_BHW: Tensor, config: Config) -> tuple[Tensor, Tensor]:
    x_B1HW = to_input(image_BHW, config.model).contiguous(memory_format=torch.channels_last)
    with autocast(image_BHW.device, config.predict.amp):
        logit_B1HW, salt_B = model(x_B1HW)
    return to_image(logit_B1HW, config.model).sigmoid(), salt_B.sigmoid()
