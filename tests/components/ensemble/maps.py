"""Synthetic map files of ensembles."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import MAPS, SIDE, pixels_to_array, write_table
from salt_pipeline.components.ensemble.stage import blend

TENTHS = {1: [1.0], 2: [0.3, 0.7], 3: [0.2, 0.5, 0.3], 4: [0.1, 0.2, 0.3, 0.4]}
"""Weights by the number of encoders."""


def write_maps(
    path: Path, ids: list[str], maps: npt.NDArray[np.uint8], salt: npt.NDArray[np.float32], **facts: str
) -> str:
    metadata = {"kind": "test", "encoder": "a", "fold": "0", "data_hash": "da7a", "config_hash": "c0de", **facts}
    write_table(path, MAPS, {"id": ids, "map": pixels_to_array(maps), "salt": salt}, metadata)
    return str(path)


@dataclass
class Ensemble:
    """Random maps of encoders a, b, c ... and the files they are in.

    `oof_EBHW` and `oof_salt_EB` are in the order of `oof_ids`; `test_EFBHW` and `test_salt_EFB` of `test_ids`.
    """

    config: dict
    oof: list[str]
    maps: list[str]
    oof_ids: list[str]
    test_ids: list[str]
    oof_EBHW: npt.NDArray[np.uint8]
    oof_salt_EB: npt.NDArray[np.float32]
    test_EFBHW: npt.NDArray[np.uint8]
    test_salt_EFB: npt.NDArray[np.float32]


def make_ensemble(folder: Path, weights: list[float], folds: int, labelled: int, tests: int, seed: int = 0) -> Ensemble:
    random = np.random.default_rng(seed)
    encoders = "abcdef"[: len(weights)]
    oof_ids = sorted(f"{number:06x}" for number in random.choice(16**6, labelled, replace=False))
    test_ids = sorted(f"{number:06x}" for number in random.choice(16**6, tests, replace=False))
    fold_B = random.integers(0, folds, labelled)
    # images of one random level keep the tests fast; a random patch distinguishes their pixels
    oof = _noise(random, (len(weights), labelled))
    test = _noise(random, (len(weights), folds, tests))
    oof_salt = random.random((len(weights), labelled), dtype=np.float32)
    test_salt = random.random((len(weights), folds, tests), dtype=np.float32)
    oof_paths, test_paths = [], []
    for e, encoder in enumerate(encoders):
        for k in range(folds):
            facts = {"encoder": encoder, "fold": str(k)}
            held = np.flatnonzero(fold_B == k)
            names = [oof_ids[i] for i in held]
            path = folder / f"oof_{encoder}{k}.parquet"
            oof_paths.append(write_maps(path, names, oof[e, held], oof_salt[e, held], kind="oof", **facts))
            path = folder / f"test_{encoder}{k}.parquet"
            test_paths.append(write_maps(path, test_ids, test[e, k], test_salt[e, k], kind="test", **facts))
    config = {
        "split": {"folds": folds},
        "encoders": [{"name": encoder, "weight": weight} for encoder, weight in zip(encoders, weights, strict=True)],
    }
    return Ensemble(config, oof_paths, test_paths, oof_ids, test_ids, oof, oof_salt, test, test_salt)


def _noise(random: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    levels = random.integers(0, 256, (*shape, 1, 1), dtype=np.uint8)
    maps = np.broadcast_to(levels, (*shape, SIDE, SIDE)).copy()
    maps[..., :4, 3:9] = random.integers(0, 256, (*shape, 4, 6), dtype=np.uint8)
    return maps


def blend_made(folder: Path, made: Ensemble, **changes: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Blends the ensemble's files, or those in `changes`, to oof.parquet and test.parquet."""
    inputs = {"dataset": "", "oof": made.oof, "maps": made.maps, "config": made.config, **changes}
    targets = {"blended_oof": str(folder / "oof.parquet"), "blended_test": str(folder / "test.parquet")}
    return blend(inputs["dataset"], inputs["oof"], inputs["maps"], inputs["config"], **targets)


def assert_refused(folder: Path, made: Ensemble, message: str, **changes: Any) -> None:
    """Asserts that the stage refuses the files and leaves nothing behind."""
    with pytest.raises(SaltError, match=message):
        blend_made(folder, made, **changes)
    assert not (folder / "test.parquet").exists()
    assert not list(folder.glob(".*"))


def with_another_last(folder: Path, made: Ensemble, ids: list[str] | None = None, **facts: str) -> list[str]:
    """The test files, that of b fold 2 with other ids or facts."""
    ids = ids or made.test_ids
    count = len(ids)
    maps, salt = made.test_EFBHW[1, 2], made.test_salt_EFB[1, 2]
    other = {"encoder": "b", "fold": "2", **facts}
    return [*made.maps[:-1], write_maps(folder / "other.parquet", ids, maps[:count], salt[:count], **other)]
