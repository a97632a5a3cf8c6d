"""The losses of ten steps of two presets, replayed: whatever shifts a training shows here.

Five steps of each phase, on a made-up survey, by the presets' own losses, optimiser, schedule, augmentation and seed.
What differs from the presets, so that it takes seconds and no network:

- A phase is one epoch of five steps.
- `seed` begins from chance, since its weights lie in a hub, and computes in float32 whatever the processor can.
- `seed` takes 2 images a step in place of 10, of 64 x 64 pixels; with its own stem it is marked slow, and has one of
  stride 2 otherwise.

A change that is meant to shift a training makes the file anew:
`.venv/bin/python -m tests.components.train_fold.test_golden_losses`
"""

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from torch import Tensor

from components.core.config import Config
from components.core.schemas import array_to_pixels, labelled_rows
from components.core.storage import read_json, write_json
from components.ingest.stage import ingest
from components.ingest.synth import write_survey
from components.train_fold.trainer import Images, Trainer
from pipelines.presets import preset_config

GOLDEN = Path(__file__).with_name("golden_losses.json")
STEPS = 5
"""Of each phase."""

HELD_OUT = 2
PHASES = ["train.epochs=2", "train.phase1_epochs=1"]
SEED = [*PHASES, "model.encoder_weights=none", "train.amp=off", "train.batch_size=2"]
SMALL = ["model.fit=resize", "model.input_size=64"]
CASES = {
    "smoke": ("smoke", PHASES),
    "seed, stride 2": ("seed", [*SEED, *SMALL, "model.stem_stride=2"]),
    "seed": ("seed", [*SEED, *SMALL]),
}
"""Preset and what is changed of it, by the name in the file."""

SLOW = "seed"
TOLERANCE = 1e-3
"""Relative. Rounding differs by processor, and ten steps make 5% of it: on another kind only the first is held."""

torch.set_num_threads(1)  # rounding depends on their number too


class Recorder(Trainer):
    """Keeps each step's losses: segmentation, classification."""

    losses: list[list[float]]

    def _step(self, chosen: Tensor, rate: float) -> Tensor:
        losses = super()._step(chosen, rate)
        self.losses.append(losses.tolist())
        return losses


def survey(folder: Path, count: int) -> Images:
    """`count` labelled images as the stages read them."""
    write_survey(str(folder / "survey.zip"), labelled=count, test=1)
    ingest(str(folder / "survey.zip"), {}, str(folder / "dataset.parquet"))
    rows = labelled_rows(str(folder / "dataset.parquet"), ["image", "mask"])
    return Images(*(torch.from_numpy(array_to_pixels(rows[name])) for name in ("image", "mask")))


def losses(config: Config, folder: Path) -> list[list[float]]:
    """Trains the first encoder of a configuration whose epochs are of `STEPS` steps."""
    count = STEPS * config.train.batch_size
    images = survey(folder, count + HELD_OUT)
    training = Images(images.image_BHW[:count], images.mask_BHW[:count])
    held_out = Images(images.image_BHW[count:], images.mask_BHW[count:])
    recorder = Recorder(
        config, config.encoders[0].name, training, held_out, job={}, checkpoint=folder / "checkpoint.safetensors"
    )
    recorder.losses = []
    recorder.run()
    return recorder.losses


def replay(case: str, folder: Path) -> list[list[float]]:
    preset, changes = CASES[case]
    return losses(preset_config(preset, changes), folder)


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case == SLOW)) for case in CASES])
def test_the_losses_are_those_of_the_file(case: str, tmp_path: Path) -> None:
    golden = read_json(GOLDEN)
    found = replay(case, tmp_path)
    assert len(found) == len(golden["losses"][case]) == 2 * STEPS
    stale = f"the losses shifted; the file was made with torch {golden['torch']}, this is {version('torch')}"
    held = len(found) if golden["processor"] == processor() else 1
    np.testing.assert_allclose(found[:held], golden["losses"][case][:held], rtol=TOLERANCE, err_msg=stale)


def processor() -> str:
    """The instruction set that torch computes with, as AVX512."""
    return torch.backends.cpu.get_cpu_capability()


def make(path: Path) -> None:
    """Writes the file."""
    found = {}
    for case in CASES:
        with TemporaryDirectory() as folder:
            found[case] = [[float(f"{loss:.6g}") for loss in step] for step in replay(case, Path(folder))]
    write_json(path, {"torch": version("torch"), "processor": processor(), "losses": found})


if __name__ == "__main__":
    make(GOLDEN)
