"""Synthetic seismic sections, and datasets of their tiles."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

from salt_pipeline.components.core.schemas import SIDE, pixels_to_array
from tests.components import dataset


def cut_section(seed: int, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Tiles of one continuous section, row by row, each with a brightness and a contrast of its own."""
    generator = np.random.default_rng(seed)
    section = gaussian_filter(generator.normal(size=(rows * SIDE, columns * SIDE)), (2, 4))
    tiles = section.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    tiles = tiles / section.std() * generator.uniform(20, 40, (len(tiles), 1, 1))
    return np.clip(tiles + generator.uniform(90, 150, (len(tiles), 1, 1)), 0, 255).round().astype(np.uint8)


def blocks(areas: list[int]) -> npt.NDArray[np.uint8]:
    """Masks with the given numbers of salt pixels, filled row by row from the top."""
    masks = np.zeros((len(areas), SIDE * SIDE), dtype=np.uint8)
    for mask, area in zip(masks, areas, strict=True):
        mask[:area] = 1
    return masks.reshape(-1, SIDE, SIDE)


def write_dataset(
    path: Path,
    images: npt.NDArray[np.uint8],
    masks: npt.NDArray[np.uint8],
    *,
    order: npt.NDArray[np.int64] | None = None,
    unlabelled: int = 0,
) -> str:
    """Writes tiles t000, t001 ... in the given order, and then test images."""
    count = len(images)
    order = np.arange(count) if order is None else order
    tests = np.full((unlabelled, SIDE, SIDE), 7, dtype=np.uint8)
    mask_column = pa.array(pixels_to_array(masks[order]).to_pylist() + [None] * unlabelled, type=pa.binary(SIDE * SIDE))
    columns = {
        "id": [f"t{i:03}" for i in order] + [f"u{i:03}" for i in range(unlabelled)],
        "labelled": [True] * count + [False] * unlabelled,
        "image": pixels_to_array(np.concatenate([images[order], tests])),
        "mask": mask_column,
        "depth": [None] * (count + unlabelled),
        "position": [None] * count + list(range(unlabelled)),
    }
    dataset.write_dataset(path, columns)
    return str(path)
