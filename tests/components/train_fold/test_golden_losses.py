"""Replays the losses of ten steps of two presets: any change that affects a training is found here.

Each phase has five steps on a synthetic survey, with the losses, optimiser, schedule, augmentation and seed of the
preset. The differences from the presets make it take seconds, need no network and give the same result everywhere:

- It computes in float64. Adam's first steps amplify rounding errors: after ten steps in float32 the losses differ by
  5 % between instruction sets. In float64 they differ by up to 1e-7 between one thread and two, with most seeds: a
  pixel whose augmented mask lies at one half may change sides. `seed` therefore draws from another seed than its own.
- A phase is one epoch of five steps, with batches of 4 images instead of 16 (`smoke`) and 10 (`seed`).
- `seed` is randomly initialised, since its weights are on a hub, and has 64 x 64 pixels and a stem of stride 2. With
  its own stem and batches of 2 images it is marked slow.

After a change that is meant to affect a training, write the file again:
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
"""Steps of each phase."""

HELD_OUT = 2
PHASES = ["train.epochs=2", "train.phase1_epochs=1", "train.amp=off"]
SEED = [*PHASES, "model.encoder_weights=none", "model.fit=resize", "model.input_size=64"]
CASES = {
    "smoke": ("smoke", [*PHASES, "train.batch_size=4"]),
    "seed, stride 2": ("seed", [*SEED, "train.batch_size=4", "model.stem_stride=2", "seed=3"]),
    "seed": ("seed", [*SEED, "train.batch_size=2"]),
}
"""Preset and changed options of each case, by its name in the file."""

SLOW = "seed"
TOLERANCE = 1e-5
"""Relative tolerance. A change of the learning rate by one percent changes the second loss by 4e-4."""


@contextmanager
def float64() -> Iterator[None]:
    """Computes in double precision, also where the code calls `float`."""
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
    stale = f"the losses have changed; the file was made with torch {golden['torch']}, this is {version('torch')}"
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
