"""The input path of a training step: the set in memory, augmented in batches, against a DataLoader over PNG files.

Run: python -m benchmarks.input_path
"""

import statistics
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.components.train_fold.augment import Augment
from salt_pipeline.components.train_fold.draws import draw
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer
from salt_pipeline.pipelines.presets import preset_config

IMAGES, ROUNDS, BATCHES, STEPS = 4000, 5, 30, 2
"""Number of labelled images; rounds of each side; batches and training steps of a round."""

CONFIG = preset_config("cpu", ["train.amp=off", "train.keep=last", "model.encoder_weights=none"])
BATCH, AUGMENTED, ENCODER = CONFIG.train.batch_size, CONFIG.train.augment, CONFIG.encoders[0].name
"""Batch size, 16; fraction of images that are augmented, 0.8; EfficientNet-lite0. The input is padded to 128 x 128."""

QUEUE = 4
"""Number of batches that the two workers of a DataLoader prefetch."""

Pair = tuple[Tensor, Tensor]


class PngFolder(Dataset[Pair]):
    """The usual way: each image is opened, decoded, augmented and padded on request.

    Args:
        folder: Folder with `images` and `masks`.
        augmented: Probability that an image is augmented at all.
    """

    def __init__(self, folder: Path, augmented: float) -> None:
        self.images = sorted((folder / "images").glob("*.png"))
        self.masks = [folder / "masks" / file.name for file in self.images]
        one_of_geometry = v2.RandomChoice(
            [
                v2.RandomAffine(15, translate=(0.0625, 0.0625), scale=(0.9, 1.1)),
                v2.RandomResizedCrop(101, scale=(0.25, 1.0), ratio=(1.0, 1.0), antialias=False),
                v2.ElasticTransform(alpha=30.0, sigma=6.0),
            ]
        )
        one_of_shading = v2.RandomChoice(
            [
                v2.ColorJitter(brightness=0.2),
                v2.Lambda(gamma, tv_tensors.Image),
                v2.GaussianBlur(3),
            ]
        )
        self.augment = v2.RandomApply(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomApply([one_of_geometry], p=0.5),
                # ours draws the grid distortion here too, a quarter of the time; torchvision has none
                v2.RandomApply([one_of_shading], p=0.375),
            ],
            p=augmented,
        )
        self.finish = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5], [0.5])])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Pair:
        with Image.open(self.images[index]) as file:
            image = tv_tensors.Image(np.array(file.convert("L"))[None])
        with Image.open(self.masks[index]) as file:
            mask = tv_tensors.Mask((np.array(file) > 0).astype(np.uint8)[None])
        image, mask = self.augment(image, mask)
        image = v2.functional.pad(self.finish(image), [13, 13, 14, 14], padding_mode="reflect")
        return image.as_subclass(Tensor), mask[0].as_subclass(Tensor).float()


def gamma(image: Tensor) -> Tensor:
    return v2.functional.adjust_gamma(image, float(torch.empty(()).uniform_(0.8, 1.25)))


def load(folder: Path) -> Images:
    """Decodes all images once, as uint8."""
    files = sorted((folder / "images").glob("*.png"))
    image_BHW = np.stack([np.array(Image.open(file).convert("L")) for file in files])
    mask_BHW = np.stack([np.array(Image.open(folder / "masks" / file.name)) > 0 for file in files])
    return Images(torch.from_numpy(image_BHW), torch.from_numpy(mask_BHW.astype(np.uint8)))


def in_memory(images: Images) -> Iterator[Pair]:
    """Our way: an endless stream of batches, as the trainer draws them."""
    generator = torch.Generator().manual_seed(0)
    augment = Augment(CONFIG.model, torch.device("cpu"))
    while True:
        for chosen in torch.randperm(len(images.image_BHW), generator=generator).split(BATCH)[:-1]:
            yield augment(images.image_BHW[chosen], images.mask_BHW[chosen], draw(BATCH, AUGMENTED, generator))


def from_files(folder: Path, workers: int, augmented: float = AUGMENTED) -> Iterator[Pair]:
    """The usual way: an endless stream of batches, from persistent workers."""
    data = PngFolder(folder, augmented)
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0)
    while True:
        yield from loader


def path_seconds(batches: Iterator[Pair], threads: int) -> float:
    """Seconds per batch in the steady state: prefetched batches are taken first, and workers may finish afterwards."""
    torch.set_num_threads(threads)
    for x_B1HW, mask_BHW in islice(batches, QUEUE):
        assert (x_B1HW.shape, mask_BHW.shape) == ((BATCH, 1, 128, 128), (BATCH, 101, 101))
    start = perf_counter()
    for _ in islice(batches, BATCHES):
        pass
    seconds = (perf_counter() - start) / BATCHES
    sleep(0.5)
    return seconds


def step_seconds(trainer: Trainer, batches: Iterator[Pair]) -> float:
    """Seconds per training step on both cores, with batches from the given input path."""
    torch.set_num_threads(2)
    trainer.step.step.augment = lambda *_: next(batches)  # type: ignore[attr-defined]
    trainer._train_epoch()  # one step
    start = perf_counter()
    for _ in range(STEPS):
        trainer._train_epoch()
    seconds = (perf_counter() - start) / STEPS
    sleep(0.5)
    return seconds


def report(folder: Path) -> None:
    """Measures and prints both tables."""
    images = load(folder)
    sides = {
        "in memory, batched (`salt_pipeline.components.train_fold.augment`), 1 thread": (in_memory(images), 1),
        "the same, 2 threads": (in_memory(images), 2),
        "DataLoader over PNG files, 0 workers": (from_files(folder, 0), 1),
        "DataLoader over PNG files, 2 workers": (from_files(folder, 2), 1),
        "DataLoader, 0 workers, no augmentation: reading and padding alone": (from_files(folder, 0, 0.0), 1),
    }
    few = Images(images.image_BHW[:BATCH], images.mask_BHW[:BATCH])
    trainer = Trainer(CONFIG, ENCODER, few, few, job={}, checkpoint=folder / "none")
    fixed = next(in_memory(images))
    feeds = {
        "none: the same batch again and again": iter(lambda: fixed, None),
        "in memory, batched": in_memory(images),
        "DataLoader, 0 workers": from_files(folder, 0),
        "DataLoader, 2 workers": from_files(folder, 2),
    }
    paths: dict[str, list[float]] = {name: [] for name in sides}
    steps: dict[str, list[float]] = {name: [] for name in feeds}
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        for name, (batches, threads) in sides.items():
            paths[name].append(path_seconds(batches, threads))
        for name, batches in feeds.items():
            steps[name].append(step_seconds(trainer, batches))

    megabytes = images.image_BHW.nbytes / 1e6
    print(f"{IMAGES} images: {megabytes:.0f} MB as uint8, and {megabytes:.0f} MB of masks\n")
    print("| | images a second | a batch of 16, ms | ratio |\n| --- | --- | --- | --- |")
    middle = {name: statistics.median(times) for name, times in paths.items()}
    ours = next(iter(middle.values()))
    for name, seconds in middle.items():
        print(f"| {name} | {BATCH / seconds:,.0f} | {1000 * seconds:.1f} | {seconds / ours:.1f} |")
    print("\n| input path | a training step, ms | of it waiting for input | ratio |\n| --- | --- | --- | --- |")
    middle = {name: statistics.median(times) for name, times in steps.items()}
    bare, own = list(middle.values())[:2]
    for name, seconds in middle.items():
        print(f"| {name} | {1000 * seconds:.0f} | {1 - bare / seconds:.1%} | {seconds / own:.2f} |")


def main() -> None:
    with TemporaryDirectory() as scratch:
        print(f"making {IMAGES} images", file=sys.stderr)
        folder = Path(scratch, "survey")
        write_survey(str(folder), labelled=IMAGES, test=1)
        report(folder / "train")


if __name__ == "__main__":
    main()
