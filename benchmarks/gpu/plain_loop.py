"""The loop that a user would write: PNG files, a DataLoader, augmentation of each image, float32, eager."""

from pathlib import Path
from time import perf_counter

import torch
from PIL import Image
from torch.optim import Adam
from torch.utils.data import DataLoader

from benchmarks.gpu.trainings import Case, wait
from benchmarks.input_path import PngFolder
from salt_pipeline.components.network.device import pick_device
from salt_pipeline.components.network.inputs import to_image
from salt_pipeline.components.network.unet import SaltNet
from salt_pipeline.components.train_fold.losses import lovasz_hinge, salt_bce
from salt_pipeline.components.train_fold.step import Images


def write_pngs(images: Images, folder: Path) -> None:
    """Writes images and masks as the competition's archive holds them."""
    for name, pixels_BHW, scale in (("images", images.image_BHW, 1), ("masks", images.mask_BHW, 255)):
        (folder / name).mkdir(parents=True)
        for number, pixels_HW in enumerate(pixels_BHW.numpy() * scale):
            Image.fromarray(pixels_HW).save(folder / name / f"{number:05}.png")


def plain_rate(case: Case, folder: Path, device: torch.device, workers: int, *, batches: int = 40) -> float:
    """Images per second of the same network at 128 px, after the first few batches."""
    config = case.config
    assert len(list((folder / "images").iterdir())) >= config.train.batch_size
    torch.use_deterministic_algorithms(False)  # which nobody sets who writes such a loop
    model = SaltNet(case.encoder, config.model).to(device).train()
    optimizer = Adam(model.parameters(), 1e-4, weight_decay=config.train.weight_decay)
    data = PngFolder(folder, config.train.augment)
    loader = DataLoader(
        data,
        config.train.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
    )
    warm_up, done, start = min(10, batches), 0, 0.0
    while done < warm_up + batches:
        for batch in loader:
            if done == warm_up:
                wait(device)
                start = perf_counter()
            x_B1HW, mask_BHW = (part.to(device, non_blocking=True) for part in batch)
            logit_B1HW, salt_B = model(x_B1HW)
            loss = lovasz_hinge(to_image(logit_B1HW, config.model), mask_BHW, symmetric=config.train.symmetric_lovasz)
            loss = loss + config.train.classification_weight * salt_bce(salt_B, mask_BHW)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == warm_up + batches:
                break
    wait(device)
    if device.type == "cuda":
        pick_device()  # sets them again
    return batches * config.train.batch_size / (perf_counter() - start)
