"""Ensemble of ten predictions: peak memory at 1,800 and 18,000 images, and size on disk against float32.

Run: python -m benchmarks.ensemble
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from salt_pipeline.components.core.schemas import MAPS, ROW_GROUP, SIDE, pixels_to_array, table_writer
from salt_pipeline.components.ensemble.stage import blend

FOLDS = 5
ENCODERS = ("a", "b")
CONFIG = {
    "split": {"folds": FOLDS},
    "encoders": [{"name": "a", "weight": 0.3}, {"name": "b", "weight": 0.7}],
}
SPANS = ((0.0, 6.3), (-0.7, 0.7), (1.0, 6.0), (8.0, 30.0))
"""Ranges of a blob's angle (rad), shift, wave number and steepness."""


def blobs(random: np.random.Generator, count: int) -> np.ndarray:
    """Probability maps (B, 101, 101), uint8: 40% empty, else a soft-edged half plane bent by two waves."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    angle, shift, wave, steep = (random.uniform(low, high, (count, 1, 1)).astype(np.float32) for low, high in SPANS)
    level = np.cos(angle) * x + np.sin(angle) * y + 0.2 * np.sin(wave * x) * np.cos(wave * y) + shift
    logits = steep * level + random.normal(0, 0.3, (count, SIDE, SIDE)).astype(np.float32)
    logits[random.random(count) < 0.4] -= 12
    return np.rint(255 / (1 + np.exp(-logits))).astype(np.uint8)


def write(path: Path, ids: list[str], kind: str, encoder: str, fold: int) -> str:
    facts = {"kind": kind, "encoder": encoder, "fold": str(fold), "data_hash": "d", "config_hash": "c"}
    random = np.random.default_rng(fold + 100 * ENCODERS.index(encoder))
    with table_writer(path, MAPS, facts) as writer:
        for start in range(0, len(ids), ROW_GROUP):
            part = ids[start : start + ROW_GROUP]
            salt = random.random(len(part), dtype=np.float32)
            columns = {"id": part, "map": pixels_to_array(blobs(random, len(part))), "salt": salt}
            writer.write_batch(pa.record_batch(columns, schema=MAPS))
    return str(path)


def measure(folder: Path, images: int) -> tuple[float, float, float]:
    """Peak memory (MB) and time (s) of a process that blends ten files of `images`, and the files' size (MB)."""
    folder.mkdir()
    ids = [f"{number:08x}" for number in range(images)]
    for encoder in ENCODERS:
        for fold in range(FOLDS):
            write(folder / f"oof_{encoder}{fold}", ids[fold::FOLDS], "oof", encoder, fold)
            write(folder / f"test_{encoder}{fold}", ids, "test", encoder, fold)
    command = [sys.executable, "-m", "benchmarks.ensemble", str(folder)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    peak, seconds = map(float, answer.stdout.split())
    size = sum(path.stat().st_size for path in folder.glob("test_*")) / 1e6
    return peak, seconds, size


def blend_folder(folder: Path) -> None:
    """Blends the files of a folder; this is the work of the measured process."""
    start = time.perf_counter()
    oof, maps = ([str(path) for path in sorted(folder.glob(f"{kind}_*"))] for kind in ("oof", "test"))
    blend("", oof, maps, CONFIG, blended_oof=str(folder / "blended_oof"), blended_test=str(folder / "blended_test"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(peak, time.perf_counter() - start)


def main() -> None:
    print("images  peak memory, MB  time, s  ten test files, MB  as float32 .npy, MB  ratio")
    for images in (1_800, 18_000):
        with TemporaryDirectory() as name:
            peak, seconds, size = measure(Path(name) / "maps", images)
        npy = 10 * images * SIDE * SIDE * 4 / 1e6
        print(f"{images:6d}  {peak:15.0f}  {seconds:7.1f}  {size:18.1f}  {npy:19.1f}  {npy / size:5.1f}")


if __name__ == "__main__":
    blend_folder(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
