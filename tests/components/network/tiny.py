"""A survey, a configuration and a network so small that a training takes a second."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import Config, ModelConfig, parse_config
from salt_pipeline.components.core.schemas import FOLDS, SIDE, pixels_to_array, write_table
from salt_pipeline.components.network.unet import SaltNet
from tests.components.dataset import write_dataset

ENCODER = "tu-lcnet_035"
HASH = "83843c9ecbacb317"
"""The hash of the data that `write_survey` writes without other arguments."""

MODEL: dict[str, Any] = {
    "encoder_weights": "none",
    "stem_stride": 2,
    "input_size": 64,
    "fit": "resize",
    "input_mean": 0.5,
    "input_std": 0.5,
    "centre_channels": 16,
    "decoder_channels": 16,
}
TRAIN: dict[str, Any] = {"epochs": 4, "phase1_epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "amp": "off"}

torch.set_num_threads(1)


def document(**sections: dict[str, Any]) -> dict[str, Any]:
    """The configuration as it is written; `train={...}` and the like change single keys."""
    base: dict[str, Any] = {"split": {"folds": 3}, "model": MODEL, "train": TRAIN, "predict": {"amp": "off"}}
    base["encoders"] = [{"name": ENCODER, "weight": 1}]
    return base | {name: base.get(name, {}) | section for name, section in sections.items()}


def config(**sections: dict[str, Any]) -> Config:
    return parse_config(document(**sections))


def network(encoder: str = ENCODER, **options: Any) -> SaltNet:
    torch.manual_seed(0)
    return SaltNet(encoder, ModelConfig.model_validate(MODEL | options))


def images(count: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (B, 101, 101) of noise with bright discs, and the discs' masks; each third has none."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    y, x = rng.uniform(10, 90, (2, count, 1, 1))
    radius = rng.uniform(15, 45, (count, 1, 1)) * (np.arange(count) % 3 > 0)[:, None, None]
    mask_BHW = ((rows - y) ** 2 + (columns - x) ** 2 < radius**2).astype(np.uint8)
    image_BHW = (rng.normal(90, 15, mask_BHW.shape) + 90 * mask_BHW).clip(0, 255).astype(np.uint8)
    return image_BHW, mask_BHW


def write_survey(folder: Path, labelled: int = 18, tests: int = 5, folds: int = 3) -> tuple[str, str]:
    """Writes dataset.parquet and folds.parquet; ids of test images lie between those of labelled ones."""
    image_BHW, mask_BHW = images(labelled + tests)
    ids = [f"{i:02}" for i in range(labelled + tests)]
    is_test = np.isin(np.arange(len(ids)), np.arange(tests) * 4 + 1)
    masks = pixels_to_array(mask_BHW).to_pylist()
    dataset: dict[str, Iterable] = {
        "id": ids,
        "labelled": ~is_test,
        "image": pixels_to_array(image_BHW),
        "mask": [None if test else mask for test, mask in zip(is_test, masks, strict=True)],
        "depth": [None] * len(ids),
        "position": [None] * len(ids),
    }
    data_hash = write_dataset(folder / "dataset.parquet", dataset)
    held = [id_ for id_, test in zip(ids, is_test, strict=True) if not test]
    write_folds(folder / "folds.parquet", held, folds, data_hash=data_hash)
    return str(folder / "dataset.parquet"), str(folder / "folds.parquet")


def write_folds(path: Path, ids: list[str], folds: int, **facts: str) -> str:
    numbers = np.arange(len(ids), dtype=np.int32)
    columns: dict[str, Iterable] = {
        "id": ids,
        "fold": numbers % folds,
        "group": numbers,
        "stratum": ["any"] * len(ids),
    }
    write_table(path, FOLDS, columns, {"data_hash": HASH, "folds": str(folds), "seed": "42", **facts})
    return str(path)
