"""A training step on one core in three number formats: float32, bf16, and bf16 except for depthwise convolutions.

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


def make(folder: Path, amp: str, *, spare: bool) -> Trainer:
    """A trainer of the preset `cpu` on noise, in its second phase, without weight averaging."""
    config = preset_config("cpu", [f"train.amp={amp}", "train.keep=last", "model.encoder_weights=none"])
    generator = torch.Generator().manual_seed(0)
    image_BHW = torch.randint(0, 256, (config.train.batch_size, 101, 101), generator=generator, dtype=torch.uint8)
    images = Images(image_BHW, image_BHW // 128)
    trainer = Trainer(config, config.encoders[0].name, images, images, job={}, checkpoint=folder / "none")
    if not spare:
        for module in trainer.model.modules():
            module.__dict__.pop("forward", None)  # set by speed_depthwise
    trainer.progress.epoch = config.train.phase1_epochs
    trainer._begin_phase2()
    return trainer


def seconds(trainer: Trainer) -> float:
    """Seconds per step, which is an epoch."""
    start = perf_counter()
    for _ in range(STEPS):
        trainer._train_epoch()
    return (perf_counter() - start) / STEPS


def main() -> None:
    torch.set_num_threads(1)
    print(f"bf16 in hardware: {computes_bf16(torch.device('cpu'))}")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sides = {
            "float32": make(folder, "off", spare=True),
            "bf16": make(folder, "auto", spare=False),
            "bf16, depthwise convolutions in float32": make(folder, "auto", spare=True),
        }
        times: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(ROUNDS + 1):
            for name, trainer in sides.items():
                took = seconds(trainer)
                if number:  # the first round allocates buffers
                    times[name].append(took)
    middle = {name: statistics.median(of) for name, of in times.items()}
    print("| | a step, ms | ratio |\n| --- | --- | --- |")
    for name, took in middle.items():
        print(f"| {name} | {1000 * took:.0f} | {took / middle['float32']:.2f} |")


if __name__ == "__main__":
    main()
