"""The losses of ten steps of two presets, replayed: whatever shifts a training shows here.

Five steps of each phase, on a made-up survey, by the presets' own losses, optimiser, schedule, augmentation and seed.
What differs from the presets, so that it takes seconds, needs no network and gives the same everywhere:

- It computes in float64. Adam's first steps blow up rounding: in float32 ten steps make 5 % of it from one instruction
  set to another, in float64 3e-8 from one thread to two.
- A phase is one epoch of five steps, of 4 images in place of 16 (`smoke`) and 10 (`seed`).
- `seed` begins from chance, since its weights lie in a hub, with 64 x 64 pixels and a stem of stride 2; with its own
  stem and 2 images a step it is marked slow.

A change that is meant to shift a training makes the file anew:
`.venv/bin/python -m tests.components.train_fold.test_golden_losses`
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from torch import Tensor

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.core.labelled import read_labelled
from salt_pipeline.components.core.schemas import array_to_pixels
from salt_pipeline.components.ingest.stage import ingest
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer
from salt_pipeline.pipelines.presets import preset_config

GOLDEN = Path(__file__).with_name("golden_losses.json")
STEPS = 5
"""Of each phase."""

HELD_OUT = 2
PHASES = ["train.epochs=2", "train.phase1_epochs=1", "train.amp=off"]
SEED = [*PHASES, "model.encoder_weights=none", "model.fit=resize", "model.input_size=64"]
CASES = {
    "smoke": ("smoke", [*PHASES, "train.batch_size=4"]),
    "seed, stride 2": ("seed", [*SEED, "train.batch_size=4", "model.stem_stride=2"]),
    "seed": ("seed", [*SEED, "train.batch_size=2"]),
}
"""Preset and what is changed of it, by the name in the file."""

SLOW = "seed"
TOLERANCE = 1e-6
"""Relative. One percent of learning rate makes 4e-4 at the second step."""


@contextmanager
def float64() -> Iterator[None]:
    """Everything in double precision, what the code names float included."""
    torch.set_default_dtype(torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tensor, "float", Tensor.double)
        try:
            yield
        finally:
            torch.set_default_dtype(torch.float32)


def survey(folder: Path, count: int) -> Images:
    """`count` labelled images as the stages read them."""
    write_survey(str(folder / "survey.zip"), labelled=count, test=1)
    ingest(str(folder / "survey.zip"), {}, str(folder / "dataset.parquet"))
    rows, _ = read_labelled(str(folder / "dataset.parquet"), ["image", "mask"])
    return Images(*(torch.from_numpy(array_to_pixels(rows[name])) for name in ("image", "mask")))


def losses(config: Config, folder: Path) -> list[list[float]]:
    """Trains the first encoder of a configuration whose epochs are of `STEPS` steps."""
    count = STEPS * config.train.batch_size
    images = survey(folder, count + HELD_OUT)
    training = Images(images.image_BHW[:count], images.mask_BHW[:count])
    held_out = Images(images.image_BHW[count:], images.mask_BHW[count:])
    found: list[list[float]] = []

    def on_step(_progress: Progress, fraction: float) -> None:
        if fraction == 1:  # the end of an epoch
            found.extend(trainer.epoch.loss_S2.tolist())

    checkpoint = folder / "checkpoint.safetensors"
    encoder = config.encoders[0].name
    trainer = Trainer(config, encoder, training, held_out, job={}, checkpoint=checkpoint, on_step=on_step)
    trainer.run()
    return found


def replay(case: str, folder: Path) -> list[list[float]]:
    preset, changes = CASES[case]
    with float64():
        return losses(preset_config(preset, changes), folder)


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case == SLOW)) for case in CASES])
def test_the_losses_are_those_of_the_file(case: str, tmp_path: Path) -> None:
    golden = read_json(GOLDEN)
    found = replay(case, tmp_path)
    assert len(found) == len(golden["losses"][case]) == 2 * STEPS
    stale = f"the losses shifted; the file was made with torch {golden['torch']}, this is {version('torch')}"
    np.testing.assert_allclose(found, golden["losses"][case], rtol=TOLERANCE, err_msg=stale)


def make(path: Path) -> None:
    """Writes the file."""
    found = {}
    for case in CASES:
        with TemporaryDirectory() as folder:
            found[case] = [[float(f"{loss:.9g}") for loss in step] for step in replay(case, Path(folder))]
    write_json(path, {"torch": version("torch"), "losses": found})


if __name__ == "__main__":
    make(GOLDEN)
