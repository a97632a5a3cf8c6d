"""Salt in a section: peak memory and time of `salt predict`'s work at two sizes, by a bundle of two small networks.

Run: python -m benchmarks.section
"""

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

SIDES = (1000, 4000)


def make_bundle(folder: Path) -> None:
    """Trains two jobs for an epoch on a synthetic survey, and bundles them."""
    from tests.components.network.tiny import document
    from tests.components.trained import train_ensemble

    train_ensemble(folder, document(split={"folds": 2}, train={"epochs": 1, "phase1_epochs": 1}))


def write_section(path: Path, side: int) -> None:
    """Writes a synthetic section of float32 amplitudes, some rows at a time: bent layers and noise."""
    random = np.random.default_rng(0)
    values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(side, side))
    x = np.arange(side)
    for start in range(0, side, 100):
        y = np.arange(start, start + 100)[:, None]
        layers = np.sin(y / 6 + 3 * np.sin(x / 150) + y * x / 2e5)
        values[start : start + 100] = 4000 * layers + random.normal(0, 800, layers.shape)


def predict_section(bundle: str, section: str, out: str) -> None:
    """Predicts a section in the measured process; prints peak memory (MB) before and after it, and the time (s)."""
    from salt_pipeline.components.core.bundle import open_bundle
    from salt_pipeline.components.inference.apply import apply

    opened = open_bundle(bundle)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    start = time.perf_counter()
    assert apply([section], opened, out) == []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(before, peak, time.perf_counter() - start)


def child(*words: object) -> str:
    """Runs this module in a child process. The parent stays small: a child's peak memory starts at its parent's."""
    command = [sys.executable, "-m", "benchmarks.section", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        child(folder)
        print("side, px  section, MB  libraries alone, MB  peak memory, MB  time, s")
        for side in SIDES:
            section = folder / f"section{side}.npy"
            write_section(section, side)
            answer = child(folder / "bundle", section, folder / str(side))
            before, peak, seconds = map(float, answer.split())
            size = section.stat().st_size / 1e6
            print(f"{side:8,}  {size:11.0f}  {before:19.0f}  {peak:15.0f}  {seconds:7.0f}", flush=True)


if __name__ == "__main__":
    {1: main, 2: lambda: make_bundle(Path(sys.argv[1])), 4: lambda: predict_section(*sys.argv[1:])}[len(sys.argv)]()
