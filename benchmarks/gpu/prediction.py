"""Images per second of a prediction under flip test-time augmentation."""

import statistics
from time import perf_counter

import torch

from benchmarks.gpu.trainings import Case
from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.network.maps import predict_maps
from salt_pipeline.components.network.unet import SaltNet
from salt_pipeline.components.train_fold.step import Images


def prediction_rate(case: Case, images: Images, device: torch.device, *, count: int = 4096, rounds: int = 3) -> float:
    """Median over the rounds, of `count` images each; the maps on the host are included."""
    config: Config = case.config
    model = SaltNet(case.encoder, config.model).to(device).to(memory_format=torch.channels_last)
    image_BHW = images.image_BHW[torch.arange(count) % len(images.image_BHW)].to(device)
    rates = []
    for _ in range(rounds + 1):
        start = perf_counter()
        predict_maps(model, image_BHW, config, flip_tta=True)
        rates.append(count / (perf_counter() - start))
    return statistics.median(rates[1:])
