"""A training step on one core, with torch's depthwise convolutions and with ours, in float32 and bf16.

Run: python -m benchmarks.train_step
"""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch

from salt_pipeline.components.network.device import computes_bf16
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer
from salt_pipeline.pipelines.presets import preset_config

ROUNDS, STEPS = 7, 2
"""Rounds of each side; steps of a round."""

FIRST = "float32, torch's"
"""The side that the others are compared with."""


def make(folder: Path, preset: str, amp: str, *, fast: bool) -> Trainer:
    """A trainer of a preset's first encoder on noise, under the Lovász hinge, without weight averaging."""
    changes = ["train.keep=last", "train.phase1_epochs=0", "model.encoder_weights=none"]
    config = preset_config(preset, [f"train.amp={amp}", *changes])
    generator = torch.Generator().manual_seed(0)
    image_BHW = torch.randint(0, 256, (config.train.batch_size, 101, 101), generator=generator, dtype=torch.uint8)
    images = Images(image_BHW, image_BHW // 128)
    trainer = Trainer(config, config.encoders[0].name, images, images, job={}, checkpoint=folder / "none")
    if not fast:
        for module in trainer.model.modules():
            module.__dict__.pop("forward", None)  # set by speed_depthwise
    return trainer


def seconds(trainer: Trainer) -> float:
    """Seconds per step, which is an epoch."""
    start = perf_counter()
    for _ in range(STEPS):
        trainer._train_epoch()
    return (perf_counter() - start) / STEPS


def compare(preset: str, folder: Path) -> None:
    """Prints the table of a preset."""
    sides = {
        FIRST: make(folder, preset, "off", fast=False),
        "float32": make(folder, preset, "off", fast=True),
        "bf16, torch's": make(folder, preset, "auto", fast=False),
        "bf16, but these in float32": make(folder, preset, "auto", fast=True),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS + 1):
        for name, trainer in sides.items():
            took = seconds(trainer)
            if number:  # the first round allocates buffers
                times[name].append(took)
    middle = {name: statistics.median(of) for name, of in times.items()}
    print(f"\n{preset}\n\n| depthwise convolutions | a step, ms | ratio |\n| --- | --: | --: |")
    for name, took in middle.items():
        print(f"| {name} | {1000 * took:.0f} | {took / middle[FIRST]:.2f} |")


def main() -> None:
    torch.set_num_threads(1)
    print(f"bf16 in hardware: {computes_bf16(torch.device('cpu'))}")
    with TemporaryDirectory() as scratch:
        for preset in ("quick", "cpu"):
            compare(preset, Path(scratch))


if __name__ == "__main__":
    main()
