"""Maps of images of any size: overlapping tiles of 101 x 101, blended under smooth weights, band by band."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.inference.sources import Rows, Source

STRIDE = 64
"""Most pixels from one tile to the next."""

_LEAST = 1e-3
"""Weight of a tile's outermost pixels: at the image's edge there is no other tile."""

Predict = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def starts(length: int, stride: int) -> NDArray[np.intp]:
    """First pixels of the tiles along an axis of `length` px, evenly spread, no further apart than `stride`."""
    free = max(length - SIDE, 0)
    return np.rint(np.linspace(0, free, -(-free // stride) + 1)).astype(np.intp)


def count_tiles(source: Source, stride: int) -> int:
    """Number of tiles of an image."""
    return len(starts(source.height, stride)) * len(starts(source.width, stride))


def window() -> NDArray[np.float32]:
    """Weights (101,) along an axis: a squared sine, highest in the tile's middle."""
    sine = np.sin(np.pi * (np.arange(SIDE) + 0.5) / SIDE)
    return (sine**2 + _LEAST).astype(np.float32)


def predict_bands(
    source: Source, rows: Rows, predict: Predict, stride: int, batch: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], int]]:
    """Maps an image from the top down.

    Holds 101 rows of the image and of sums, and `batch` tiles at a time. An image smaller than a tile is padded by
    reflection.

    Args:
        source: Its size.
        rows: Its grey levels.
        predict: Maps tiles (B, 101, 101), uint8.
        stride: Most pixels from one tile to the next.
        batch: Tiles that are predicted at once.

    Yields:
        Grey levels of some rows (h, W), their map (h, W), uint8, and the number of tiles predicted for them.
    """
    height, width = source.height, source.width
    before_y, before_x = max(SIDE - height, 0) // 2, max(SIDE - width, 0) // 2
    tops, lefts = starts(height, stride), starts(width, stride)
    weight = window()
    across = np.zeros(max(width, SIDE), np.float32)
    for left in lefts:
        across[left : left + SIDE] += weight
    own = (slice(before_y, before_y + height) if height < SIDE else slice(None), slice(before_x, before_x + width))
    sums, down = np.zeros((SIDE, len(across)), np.float32), np.zeros(SIDE, np.float32)
    for top, after in zip(tops, [*tops[1:], max(height, SIDE)], strict=True):
        band = _pad(rows.read(top, min(top + SIDE, height)), before_y, before_x)
        for first in range(0, len(lefts), batch):
            part = lefts[first : first + batch]
            maps_BHW = predict(np.stack([band[:, left : left + SIDE] for left in part]))
            for left, map_HW in zip(part, maps_BHW, strict=True):
                sums[:, left : left + SIDE] += map_HW * (weight[:, None] * weight)
        down += weight
        done = after - top  # no later tile reaches these rows
        blended = np.floor(sums[:done] / (down[:done, None] * across) + 0.5 + 1e-4).clip(0, 255).astype(np.uint8)
        yield band[:done][own], blended[own], len(lefts)
        sums = np.concatenate([sums[done:], np.zeros((done, len(across)), np.float32)])
        down = np.concatenate([down[done:], np.zeros(done, np.float32)])


def _pad(rows_HW: NDArray[np.uint8], before_y: int, before_x: int) -> NDArray[np.uint8]:
    """Reflects at the edges up to the size of a tile."""
    height, width = rows_HW.shape
    after_y, after_x = (max(SIDE - size - before, 0) for size, before in ((height, before_y), (width, before_x)))
    if not (before_y or before_x or after_y or after_x):
        return rows_HW
    return np.pad(rows_HW, ((before_y, after_y), (before_x, after_x)), mode="reflect")
