"""Salt in a SEG-Y volume: peak memory and time of `salt predict`'s work at two sizes, by a bundle of two tiny networks.

Run: python -m benchmarks.segy [FOLDER]   (13 GB of scratch space in FOLDER, by default the system's; it is emptied)
"""

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import segyio

INLINES = (50, 1000)
SIDE = 1010


def make_bundle(folder: Path) -> None:
    """Trains two networks for an epoch on a synthetic survey, and bundles them; mirror images are not used."""
    from tests.components.network.tiny import document
    from tests.components.trained import train_ensemble

    train = {"epochs": 1, "phase1_epochs": 1}
    train_ensemble(folder, document(split={"folds": 2}, train=train, predict={"flip_tta": False}))


def write_volume(path: Path, inlines: int, side: int) -> None:
    """Writes a synthetic volume of IBM floats, trace by trace: bent layers and noise, a tenth of dead traces.

    Args:
        path: The file.
        inlines: Number of inlines.
        side: Crosslines, and samples of a trace.
    """
    noise = np.random.default_rng(0).normal(0, 800, (50, side)).astype(np.float32)
    spec = segyio.spec()
    spec.format, spec.samples, spec.tracecount = 1, list(range(0, 4 * side, 4)), inlines * side
    depth = np.arange(side)
    with segyio.create(str(path), spec) as file:
        for trace in range(spec.tracecount):
            inline, crossline = divmod(trace, side)
            file.header[trace] = {189: 100 + inline, 193: 300 + crossline}
            layers = np.sin(depth / 6 + 3 * np.sin((crossline + inline) / 150)).astype(np.float32)
            file.trace[trace] = (4000 * layers + noise[trace % 50]) * np.float32(crossline >= side // 10)


def predict_volume(bundle: str, volume: str, out: str) -> None:
    """Predicts a volume in the measured process; prints peak memory (MB) before and after it, and the time (s)."""
    from salt_pipeline.components.core.bundle import open_bundle
    from salt_pipeline.components.inference.apply import apply

    opened = open_bundle(bundle)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    start = time.perf_counter()
    assert apply([volume], opened, out, stride=101) == []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(before, peak, time.perf_counter() - start)


def child(*words: object) -> str:
    """Runs this module in a child process. The parent stays small: a child's peak memory starts at its parent's."""
    command = [sys.executable, "-m", "benchmarks.segy", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(scratch: str | None) -> None:
    with TemporaryDirectory(dir=scratch) as name:
        child("bundle", name)
        print("traces  volume, MB  libraries alone, MB  peak memory, MB  time, s")
        for inlines in INLINES:
            with TemporaryDirectory(dir=name) as place:
                volume = Path(place, "volume.sgy")
                child("volume", volume, inlines, SIDE)
                answer = child("predict", Path(name, "bundle"), volume, Path(place, "found"))
                before, peak, seconds = map(float, answer.split())
                size = volume.stat().st_size / 1e6
            print(f"{inlines * SIDE:7,}  {size:9.0f}  {before:19.0f}  {peak:15.0f}  {seconds:7.0f}", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bundle", folder]:
            make_bundle(Path(folder))
        case ["volume", path, inlines, side]:
            write_volume(Path(path), int(inlines), int(side))
        case ["predict", bundle, volume, out]:
            predict_volume(bundle, volume, out)
        case arguments:
            main(arguments[0] if arguments else None)
