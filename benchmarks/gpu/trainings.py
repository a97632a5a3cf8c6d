"""Trainers for the measurements: a preset's network, losses and optimiser on a few batches of images."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.train_fold.graphed_step import GraphedStep
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer
from salt_pipeline.pipelines.presets import preset_config

LITE2, RESNEXT50, RESNEXT101 = "tu-tf_efficientnet_lite2", "se_resnext50_32x4d", "se_resnext101_32x4d"


@dataclass(frozen=True)
class Case:
    """One network whose step is measured.

    Attributes:
        name: Its name in the table.
        encoder: Encoder name.
        preset: The preset.
        changes: Changes of it.
        phase: 1 or 2.
        before: A step in milliseconds before the step was recorded as a graph, measured on an H200 at de0d743.
        goal: Milliseconds to reach.
        resumed: Whether a training of it is also interrupted and resumed.
    """

    name: str
    encoder: str
    preset: str = "best"
    changes: tuple[str, ...] = ()
    phase: int = 2
    before: float | None = None
    goal: float | None = None
    resumed: bool = False

    @property
    def config(self) -> Config:
        """The configuration, with random initial weights: they do not change a step's time."""
        return preset_config(self.preset, ["model.encoder_weights=none", *self.changes])


CASES = (
    Case("`best`, Lite2, 128 px, 32", LITE2, changes=("model.fit=pad", "model.input_size=128"), before=49.8, goal=12),
    Case("`best`, Lite2, 256 px, 32", LITE2, before=64.4, goal=20, resumed=True),
    Case("`seed`, SE-ResNeXt-50, 10, phase 1", RESNEXT50, "seed", phase=1),
    Case("`seed`, SE-ResNeXt-50, 10, phase 2", RESNEXT50, "seed", before=80.1, goal=30, resumed=True),
    Case("`seed`, SE-ResNeXt-101, 10, phase 2", RESNEXT101, "seed"),
)


@contextmanager
def training(case: Case, images: Images, steps: int, device: torch.device) -> Iterator[Trainer]:
    """A trainer whose epochs have `steps` full batches, on copies of the images."""
    with TemporaryDirectory() as folder:
        yield new_trainer(case.config, case.encoder, case.phase, images, steps, device, Path(folder))


def new_trainer(
    config: Config, encoder: str, phase: int, images: Images, steps: int, device: torch.device, folder: Path
) -> Trainer:
    """A trainer at the beginning of a phase."""
    count = steps * config.train.batch_size
    chosen = torch.arange(count) % len(images.image_BHW)
    some = Images(images.image_BHW[chosen].to(device), images.mask_BHW[chosen].to(device))
    few = Images(some.image_BHW[:8], some.mask_BHW[:8])
    trainer = Trainer(config, encoder, some, few, job={}, checkpoint=folder / "checkpoint.safetensors")
    if phase == 2:
        trainer.progress.epoch = config.train.phase1_epochs
        trainer._begin_phase2()
    return trainer


def wait(device: torch.device) -> None:
    """Waits until a GPU has computed everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def without_graph(step: GraphedStep) -> GraphedStep:
    """The same step, launched by Python on any device."""
    return GraphedStep(step.step, torch.device("cpu"))
