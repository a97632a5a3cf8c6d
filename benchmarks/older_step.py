"""A training step of the preset `cpu` on one core, in this checkout and in an older one by turns.

Run: python -m benchmarks.older_step CHECKOUT

Each round trains two epochs, one of each phase, in a process of its own in each checkout. Initial weights are random,
and the validation is not counted.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
ROUNDS = 7

TRAINING = """
import json, sys
from pathlib import Path
import torch
from salt_pipeline.components.train_fold import trainer
from salt_pipeline.pipelines.presets import preset_config

try:
    from salt_pipeline.components.train_fold.step import Images
except ImportError:  # before the step had a module of its own
    Images = trainer.Images

changes = ["train.epochs=2", "train.phase1_epochs=1", "model.encoder_weights=none"]
config = preset_config("cpu", changes)
generator = torch.Generator().manual_seed(0)
image_BHW = torch.randint(0, 256, (6 * config.train.batch_size, 101, 101), generator=generator, dtype=torch.uint8)
images, few = (Images(part, part // 128) for part in (image_BHW, image_BHW[:4]))
checkpoint = Path(sys.argv[1], "checkpoint.safetensors")
training = trainer.Trainer(config, config.encoders[0].name, images, few, job={}, checkpoint=checkpoint)
training.run()
batch = config.train.batch_size
print(json.dumps([1000 * batch / epoch["images_per_second"] for epoch in training.progress.history]))
"""


def step_milliseconds(checkout: Path) -> list[float]:
    """Milliseconds of a step in phase 1 and in phase 2.

    Raises:
        subprocess.CalledProcessError: If the training fails.
    """
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    with TemporaryDirectory() as scratch:
        command = [sys.executable, "-c", TRAINING, scratch]
        done = subprocess.run(command, env=environment, cwd=scratch, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    checkouts = {"older checkout": Path(sys.argv[1]).resolve(), "this one": ROOT}
    times: dict[str, list[list[float]]] = {name: [] for name in checkouts}
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        for name, checkout in checkouts.items():
            times[name].append(step_milliseconds(checkout))
    print("| | phase 1, ms | phase 2, ms |\n| --- | --- | --- |")
    middle = {name: [statistics.median(phase) for phase in zip(*of, strict=True)] for name, of in times.items()}
    for name, phases in middle.items():
        print(f"| {name} | " + " | ".join(f"{took:.0f}" for took in phases) + " |")
    ratios = [new / old for old, new in zip(*middle.values(), strict=True)]
    print("| ratio of the medians | " + " | ".join(f"{ratio:.3f}" for ratio in ratios) + " |")
    paired = [
        statistics.median(new[phase] / old[phase] for old, new in zip(*times.values(), strict=True)) for phase in (0, 1)
    ]
    print("| median of the ratios | " + " | ".join(f"{ratio:.3f}" for ratio in paired) + " |")


if __name__ == "__main__":
    main()
