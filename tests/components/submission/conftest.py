"""A small survey on disk: 24 labelled images in 3 folds, 6 test images, and maps for them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.jobs import all_jobs
from salt_pipeline.components.core.schemas import FOLDS, MAPS, SIDE, pixels_to_array, write_table
from salt_pipeline.components.submission.stage import submit
from tests.components.dataset import write_dataset

CONFIG = {
    "split": {"folds": 3},
    "encoders": [{"name": "one", "weight": 0.7}, {"name": "two", "weight": 0.3}],
}


@dataclass
class World:
    folder: Path
    labelled: list[str]
    test: list[str]
    images_BHW: np.ndarray
    masks_BHW: np.ndarray
    oof_BHW: np.ndarray
    test_BHW: np.ndarray
    data_hash: str = ""

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self) -> "World":
        ids = [*self.labelled, *self.test]
        rows = np.argsort(ids)
        labelled = np.arange(len(ids)) < len(self.labelled)
        masks_BHW = np.concatenate([self.masks_BHW, np.zeros((len(self.test), SIDE, SIDE), np.uint8)])
        masks = pixels_to_array(masks_BHW[rows]).to_pylist()
        places = {image: place for place, image in enumerate(reversed(self.test))}
        columns: dict[str, Iterable] = {
            "id": [ids[row] for row in rows],
            "labelled": labelled[rows],
            "image": pixels_to_array(self.images_BHW[rows]),
            "mask": [mask if labelled[row] else None for row, mask in zip(rows, masks, strict=True)],
            "depth": [None] * len(ids),
            "position": [places.get(ids[row]) for row in rows],
        }
        self.data_hash = write_dataset(self.path("dataset.parquet"), columns)
        self.write_folds(self.labelled)
        self.write_maps("oof.parquet", self.labelled, self.oof_BHW)
        self.write_maps("test.parquet", self.test, self.test_BHW)
        return self

    def write_folds(self, ids: list[str]) -> None:
        columns: dict[str, Iterable] = {
            "id": ids,
            "fold": np.arange(len(ids), dtype=np.int32) % 3,
            "group": np.arange(len(ids), dtype=np.int32),
            "stratum": ["any"] * len(ids),
        }
        write_table(self.path("folds.parquet"), FOLDS, columns, {"data_hash": self.data_hash, "folds": "3"})

    def write_models(self, config: Config) -> list[str]:
        """Writes a model of a few numbers for each job; returns their folders."""
        folders = []
        for encoder, fold in all_jobs(config):
            folder = self.folder / "models" / f"{encoder}{fold}"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "model.safetensors"
            save_file({"a": np.full((2, 3), fold, np.float32), "b": np.zeros(0, np.int64)}, path)
            sidecar = {
                "version": 1,
                "encoder": encoder,
                "fold": fold,
                "architecture": config.model.model_dump(mode="json"),
                "data_hash": self.data_hash,
                "config_hash": config.hash,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "versions": {"torch": "2"},
            }
            (folder / "model.json").write_text(json.dumps(sidecar))
            folders.append(str(folder))
        return folders

    def write_maps(self, name: str, ids: list[str], maps_BHW: np.ndarray, **changes: str) -> None:
        hashes = {"data_hash": self.data_hash, "config_hash": parse_config(CONFIG).hash}
        facts = {"kind": Path(name).stem, **hashes, "encoder": "ensemble", "weights": '{"one": 0.7, "two": 0.3}'}
        columns: dict[str, Iterable] = {
            "id": ids,
            "map": pixels_to_array(maps_BHW),
            "salt": np.full(len(ids), 0.5, np.float32),
        }
        write_table(self.path(name), MAPS, columns, facts | changes)

    def submit(self, config: dict[str, Any], models: list[str] | None = None) -> dict[str, float]:
        """Runs the stage, which writes to `out`; returns its scores."""
        return submit(
            self.path("dataset.parquet"),
            self.path("folds.parquet"),
            self.path("oof.parquet"),
            self.path("test.parquet"),
            models or [],
            config,
            submission=self.path("out/submission.csv"),
            choice=self.path("out/choice.json"),
            bundle=self.path("out/bundle"),
        )


def blobs(rng: np.random.Generator, count: int) -> np.ndarray:
    """Discs of salt; every third mask is empty."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    y, x = rng.uniform(0, SIDE, (2, count, 1, 1))
    radius = rng.uniform(5, 40, (count, 1, 1)) * (np.arange(count) % 3 > 0)[:, None, None]
    return ((rows - y) ** 2 + (columns - x) ** 2 < radius**2).astype(np.uint8)


@pytest.fixture
def world(tmp_path: Path) -> World:
    rng = np.random.default_rng(0)
    masks_BHW, hidden_BHW = blobs(rng, 24), blobs(rng, 6)

    def guess(truth_BHW: np.ndarray) -> np.ndarray:
        return np.clip(truth_BHW * 70.0 + rng.normal(30, 8, truth_BHW.shape), 0, 255).astype(np.uint8)

    return World(
        tmp_path,
        [f"a{number:02}" for number in range(24)],
        sorted(f"{letter}test" for letter in "zabyxc"),
        rng.integers(0, 256, (30, SIDE, SIDE), dtype=np.uint8),
        masks_BHW,
        guess(masks_BHW),
        guess(hidden_BHW),
    ).write()


def run(world: World, **settings: Any) -> dict[str, float]:
    """Runs the stage with options of its own and no models; returns its scores."""
    return world.submit(CONFIG | {"submission": settings})
