import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.schemas import FOLDS, MAPS, SIDE, pixels_to_array, write_table
from salt_pipeline.components.report.stage import report
from tests.components.dataset import write_dataset

FOLD_COUNT = 3
NAMES = ("plain", "b.old+1")
THRESHOLD, MIN_AREA = 0.45, 200
DROPPED = '{"0bad": "its mask is of <b>another</b> size"}'


def made_network(encoder: str, maps: int = 6, gates: bool = True) -> dict[str, Any]:
    """The summary of a network, as train_fold writes it."""

    def layer(name: str, kind: str, channels: int, side: int, parameters: int, **more: Any) -> dict[str, Any]:
        return {"name": name, "kind": kind, "shape": [channels, side, side], "parameters": parameters, **more}

    layers = [
        layer("input", "input", 1, 128, 0),
        *(layer(f"encoder {n}", "encoder", 16 * n, 256 >> n, 10**n) for n in range(1, 6)),
        layer("centre 1", "centre", 512, 8, 1_475_584),
        layer("centre 2", "centre", 512, 4, 2_360_320),
        layer("classifier", "gate", 1, 1, 8193, gates=gates),
        *(layer(f"decoder {n}", "decoder", 64, 4 << n, 123_456 + n, scse=True) for n in range(1, 6)),
        layer("hypercolumn", "hypercolumn", 832, 128, 0, maps=maps),
        layer("head", "head", 1, 128, 833),
    ]
    return {"encoder": encoder, "parameters": sum(part["parameters"] for part in layers), "layers": layers}


def made_image(rng: np.random.Generator, salt: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Dipping layers, with a smooth body of salt that reaches the bottom."""
    y, x = np.mgrid[:SIDE, :SIDE]
    layers = 120 + 60 * np.sin((y + rng.normal(0, 0.3) * x) / rng.uniform(2, 6) + rng.uniform(0, 6))
    top = rng.uniform(10, 80) + 25 * np.sin(x / rng.uniform(15, 40) + rng.uniform(0, 6))
    mask = (y > top) & salt
    image = np.where(mask, 110, layers) + rng.normal(0, 12, (SIDE, SIDE))
    return image.clip(0, 255).astype(np.uint8), mask.astype(np.uint8)


def made_maps(rng: np.random.Generator, masks_BHW: NDArray[np.uint8], error: float) -> NDArray[np.uint8]:
    """The true masks, shifted down a little and with noise; some maps are wrong."""
    maps = np.empty_like(masks_BHW)
    for row, mask in enumerate(masks_BHW):
        shift = int(rng.integers(0, 1 + int(error * 30)))
        certain = 95 + 75 * np.roll(mask, shift, axis=0).astype(float) if rng.random() > error / 3 else 150.0
        maps[row] = (certain + rng.normal(0, 15, mask.shape)).clip(0, 255)
    return maps


@dataclass
class Made:
    """A synthetic run up to the report: its files, and what is in them."""

    folder: Path
    count: int = 40
    epochs: int = 6
    synthetic: bool = False
    names: tuple[str, ...] = NAMES
    fold_count: int = FOLD_COUNT
    encoder_weights: str = "imagenet"
    config: dict[str, Any] = field(init=False)
    paths: dict[str, Any] = field(init=False)
    maps: dict[str, NDArray[np.uint8]] = field(init=False)
    salt: dict[str, NDArray[np.float32]] = field(init=False)
    data_hash: str = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        self.config = {
            "split": {"folds": self.fold_count},
            "encoders": [{"name": name, "weight": 1 / len(self.names)} for name in self.names],
            "model": {"encoder_weights": self.encoder_weights},
        }
        self.config_hash = parse_config(self.config).hash
        drawn = [made_image(rng, salt=rng.random() > 0.4) for _ in range(self.count)]
        self.images = np.stack([image for image, _ in drawn])
        self.masks = np.stack([mask for _, mask in drawn])
        self.images[3], self.masks[3] = 0, 0  # a black image
        self.ids = [f"{number:010x}" for number in range(self.count)]
        self.folds = rng.permutation(np.arange(self.count) % self.fold_count).astype(np.int32)
        self.maps = {name: made_maps(rng, self.masks, 0.3 + 0.3 * index) for index, name in enumerate(self.names)}
        self.maps["ensemble"] = np.mean([self.maps[name] for name in self.names], axis=0).astype(np.uint8)
        for maps in self.maps.values():
            maps[3] = 200  # salt everywhere, but the image is constant
        self.salt = {name: rng.random(self.count, dtype=np.float32) for name in self.maps}
        self.write()

    def write(self) -> None:
        # Between the labelled images lies a test image.
        images = np.insert(self.images, 1, 99, axis=0)
        masks = [mask.tobytes() for mask in self.masks]
        columns: dict[str, Any] = {
            "id": [self.ids[0], self.ids[0] + "t", *self.ids[1:]],
            "labelled": [True, False] + [True] * (self.count - 1),
            "image": pixels_to_array(images),
            "mask": [masks[0], None, *masks[1:]],
            "depth": [60 + 17 * number % 900 for number in range(self.count)] + [None],
            "position": [None, 0] + [None] * (self.count - 1),
        }
        facts = {"synthetic": "true"} if self.synthetic else {}
        path = self.folder / "dataset.parquet"
        self.data_hash = write_dataset(path, columns, **facts, source="survey.zip", dropped=DROPPED)
        facts["data_hash"] = self.data_hash
        groups: dict[str, Any] = {
            "id": self.ids,
            "fold": self.folds,
            "group": range(self.count),
            "stratum": ["any"] * self.count,
        }
        write_table(self.folder / "folds.parquet", FOLDS, groups, facts | {"folds": str(self.fold_count)})
        weights = dict.fromkeys(self.names, 1 / len(self.names))
        blend = {"kind": "oof", "config_hash": self.config_hash, "encoder": "ensemble", "weights": json.dumps(weights)}
        self.write_maps("blended", "ensemble", slice(None), facts | blend)
        oofs, curves = [], []
        for index, name in enumerate(self.names):
            for fold in range(self.fold_count):
                job = {"encoder": name, "fold": str(fold), "kind": "oof", "config_hash": self.config_hash}
                oofs.append(self.write_maps(f"oof{index}{fold}", name, self.folds == fold, facts | job))
                curves.append(self.write_curve(index, fold))
        choice: dict[str, Any] = {"threshold": THRESHOLD, "min_area": MIN_AREA, "score_cross_fitted": 0.65}
        choice |= {"data_hash": self.data_hash, "config_hash": self.config_hash, "weights": weights}
        score = np.mean(self.plain_scores("ensemble", THRESHOLD, MIN_AREA))
        write_json(self.folder / "choice.json", choice | {"score": float(score), "salt_accuracy": 0.5})
        self.paths = {
            "dataset": str(self.folder / "dataset.parquet"),
            "folds": str(self.folder / "folds.parquet"),
            "oofs": oofs[::-1],
            "curves": curves[1:] + curves[:1],
            "blended_oof": str(self.folder / "blended.parquet"),
            "choice": str(self.folder / "choice.json"),
        }

    def plain_scores(self, name: str, threshold: float, min_area: int) -> list[float]:
        """The metric as the rules define it, one image at a time."""
        scores = []
        for image, probability, mask in zip(self.images, self.maps[name], self.masks, strict=True):
            salt = probability / 255 > threshold
            if salt.sum() < min_area or image.max() == image.min():
                salt[:] = False
            union = int((salt | (mask == 1)).sum())
            iou = int((salt & (mask == 1)).sum()) / union if union else 1.0
            scores.append(1.0 if union == 0 else sum(iou > step / 20 for step in range(10, 20)) / 10)
        return scores

    def write_maps(self, file: str, name: str, rows: Any, facts: dict[str, str]) -> str:
        path = self.folder / f"{file}.parquet"
        columns = {
            "id": np.array(self.ids)[rows].tolist(),
            "map": pixels_to_array(self.maps[name][rows]),
            "salt": self.salt[name][rows],
        }
        write_table(path, MAPS, columns, facts)
        return str(path)

    def write_curve(self, index: int, fold: int) -> str:
        path = self.folder / f"curve{index}{fold}.json"
        epochs = [
            {
                "epoch": epoch,
                "phase": 1 if epoch <= self.epochs // 3 else 2,
                "loss": 1 / epoch,
                "seconds": 12.0,
                "ended": 1.7e9 + 12 * epoch,
                "score": 0.8 - 0.4 / epoch**0.7 + 0.02 * np.sin(7 * epoch + fold) + 0.01 * index,
            }
            for epoch in range(1, self.epochs + 1)
        ]
        best = max(epochs, key=lambda point: point["score"])["epoch"]
        write_json(
            path,
            {
                "encoder": self.names[index],
                "fold": fold,
                "seconds": 75.2,
                "device": "cpu",
                "config_hash": self.config_hash,
                "data_hash": self.data_hash,
                "epochs": epochs,
                "best_epoch": best,
                "ended": 1.7e9 + 80,
                "oof_score": 0.75,
                "oof_salt_accuracy": 0.9,
                "architecture": made_network(self.names[index]),
                "versions": {"torch": "2.9.1"},
                "images_per_second": 123.4,
                "peak_memory_bytes": 3 * 2**30,
            },
        )
        return str(path)

    def report(self, out: Path | None = None, **changed: Any) -> dict[str, float]:
        out = out or self.folder
        files = {"results": "metrics.json", "card": "report.md", "page": "report.html"}
        places = {key: str(out / name) for key, name in files.items()}
        return report(**self.paths | {"config": self.config} | places | changed)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, dict[str, float]]:
    """A run and the scores that its report returned; tests only read it."""
    made = Made(tmp_path_factory.mktemp("reported"))
    return made, made.report()
