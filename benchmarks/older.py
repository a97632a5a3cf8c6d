"""A training step of `cpu` on one core, and a run of `smoke` on two, in an older checkout and in this one by turns.

Run: python -m benchmarks.older CHECKOUT

A round of the step trains two epochs, one of each phase, in a process of its own in each checkout. Initial weights are
random, and the validation is not counted.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from salt_pipeline.components.ingest.synth import write_survey

ROOT = Path(__file__).parents[1]
STEP_ROUNDS, RUN_ROUNDS = 7, 2

COMMAND = "from salt_pipeline.pipelines.cli.main import main; main()"

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


def run_seconds(checkout: Path, archive: Path) -> list[float]:
    """Seconds of a run of `smoke`, on two cores, by the clock and of the CPU.

    Raises:
        subprocess.CalledProcessError: If the run fails.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "OMP"))}
    with TemporaryDirectory() as scratch:
        words = ["run", "--data", str(archive), "--preset", "smoke", "--out", f"{scratch}/runs/one"]
        start, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", COMMAND, *words],
            env=environment | {"PYTHONPATH": str(checkout)},
            cwd=scratch,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return [perf_counter() - start, cpu]


def compare(checkouts: list[Path], measure: Callable[[Path], list[float]], rounds: int, columns: str) -> None:
    """Measures the checkouts by turns and prints medians, the older one first."""
    times: list[list[list[float]]] = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        times.append([measure(checkout) for checkout in checkouts])
    print(f"\n| | {columns} |\n| --- | --- | --- |")
    older, newer = zip(*times, strict=True)
    ratios = [[new / old for old, new in zip(*pair, strict=True)] for pair in times]
    for name, found in (("older checkout", older), ("this one", newer), ("median of the ratios", ratios)):
        middle = [median(figures) for figures in zip(*found, strict=True)]
        print(f"| {name} | " + " | ".join(f"{figure:.4g}" for figure in middle) + " |", flush=True)


def main() -> None:
    checkouts = [Path(sys.argv[1]).resolve(), ROOT]
    compare(checkouts, step_milliseconds, STEP_ROUNDS, "a step in phase 1, ms | in phase 2, ms")
    with TemporaryDirectory() as scratch:
        archive = Path(scratch, "survey.zip")
        write_survey(str(archive), labelled=60, test=20)
        compare(checkouts, lambda checkout: run_seconds(checkout, archive), RUN_ROUNDS, "a run, s | CPU-seconds")


if __name__ == "__main__":
    main()
