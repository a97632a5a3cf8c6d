"""Learned weights of the ensemble against the given ones, nested: chosen on four folds, scored on the fifth.

Run: python -m benchmarks.weights RUN_FOLDER
"""

import sys
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from components.core.config import parse_config
from components.core.metric import Overlap, overlap
from components.core.schemas import MAPS, array_to_pixels, read_table
from components.core.storage import read_json
from components.submission.choice import choose, scores
from pipelines.compare import pair, read_truth

STEPS = 20
"""Weights are multiples of one over this."""


def lattice(encoders: int) -> list[tuple[float, ...]]:
    """All weights of so many encoders that sum to one."""
    parts = product(range(STEPS + 1), repeat=encoders - 1)
    return [(*(k / STEPS for k in part), 1 - sum(part) / STEPS) for part in parts if sum(part) <= STEPS]


def read_maps(run: Path, encoders: list[str], folds: int) -> tuple[NDArray[np.float32], list[str], NDArray[np.int64]]:
    """Out-of-fold maps (E, B, 101, 101) of a run, 0 to 255, the ids (B) and their folds (B,)."""
    files = [[run / "train_fold" / name / f"fold{k}" / "oof.parquet" for k in range(folds)] for name in encoders]
    tables = [[read_table(str(file), MAPS)[0] for file in of_one] for of_one in files]
    maps_EBHW = np.stack([np.concatenate([array_to_pixels(t["map"]) for t in of_one]) for of_one in tables])
    ids = [image for table in tables[0] for image in table["id"].to_pylist()]
    return maps_EBHW.astype(np.float32), ids, np.repeat(np.arange(folds), [len(table) for table in tables[0]])


def nested(run: Annotated[Path, typer.Argument(help="Folder of a finished `salt run`.")]) -> None:
    """Prints what learning the weights gains, image by image."""
    config = parse_config(read_json(run / "config.json"))
    encoders = [encoder.name for encoder in config.encoders]
    maps_EBHW, ids, folds_B = read_maps(run, encoders, config.split.folds)
    mask_by_id = read_truth(run / "ingest/dataset.parquet").mask_by_id
    mask_BHW = np.stack([mask_by_id[image] for image in ids])

    def blended(weights: tuple[float, ...]) -> Overlap:
        mean_BHW = np.tensordot(np.array(weights, np.float32), maps_EBHW, axes=1)
        return overlap(np.rint(mean_BHW).astype(np.uint8), mask_BHW)

    given = blended(tuple(encoder.weight for encoder in config.encoders))
    candidates = {weights: blended(weights) for weights in lattice(len(encoders))}
    given_B, learned_B = np.zeros(len(ids)), np.zeros(len(ids))
    for fold in np.unique(folds_B):
        own_B, others_B = folds_B == fold, folds_B != fold
        given_B[own_B] = scores(given.of(own_B), choose(given.of(others_B), folds_B[others_B]))
        chosen = {w: choose(found.of(others_B), folds_B[others_B]) for w, found in candidates.items()}
        best = max(chosen, key=lambda weights: chosen[weights].score)
        learned_B[own_B] = scores(candidates[best].of(own_B), chosen[best])
        sys.stdout.write(f"fold {fold}: {', '.join(f'{n} {w:.2f}' for n, w in zip(encoders, best, strict=True))}\n")
    gain = pair("learned", given_B, learned_B)
    sys.stdout.write(
        f"given {given_B.mean():.4f}, learned {learned_B.mean():.4f}: {gain.mean:+.4f} "
        f"({gain.low:+.4f} to {gain.high:+.4f}), cross-fitted, {len(ids):,} images\n"
    )


if __name__ == "__main__":
    typer.run(nested)
