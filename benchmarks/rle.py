"""Run-length encoding of 18,000 masks, against a loop over pixels, NumPy mask by mask, and pycocotools.

pycocotools writes a packed format of its own. It is timed twice: packing alone, and with the conversion to the
competition's strings. The copy to column-major order is included everywhere.

Run: python -m benchmarks.rle
"""

import statistics
from collections.abc import Callable
from itertools import accumulate
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from benchmarks.metric import synthetic_masks
from salt_pipeline.components.core.rle import encode

MASKS, ROUNDS = 18_000, 3
SLOW_MASKS = 1_800
"""Number of masks that the loop over pixels is timed on."""

Masks = NDArray[np.uint8]


def pixel_loop(masks_BHW: Masks) -> list[str]:
    """The usual loop: every salt pixel either extends a run or starts one."""
    encoded = []
    for mask_HW in masks_BHW:
        runs: list[int] = []
        last = -2
        for pixel in np.flatnonzero(mask_HW.T.ravel()).tolist():
            if pixel > last + 1:
                runs += [pixel + 1, 0]
            runs[-1] += 1
            last = pixel
        encoded.append(" ".join(map(str, runs)))
    return encoded


def numpy_loop(masks_BHW: Masks) -> list[str]:
    """Edges by NumPy, mask by mask."""
    encoded = []
    for mask_HW in masks_BHW:
        padded = np.pad(mask_HW.T.ravel(), 1)
        edges = np.flatnonzero(padded[1:] != padded[:-1]) + 1
        edges[1::2] -= edges[::2]
        encoded.append(" ".join(map(str, edges.tolist())))
    return encoded


def coco_pack(masks_BHW: Masks) -> list[dict]:
    """The format of pycocotools."""
    packed: list[dict] = coco.encode(np.asfortranarray(masks_BHW.transpose(1, 2, 0)))
    return packed


def coco_strings(masks_BHW: Masks) -> list[str]:
    """pycocotools, then its run lengths unpacked and written as the competition requires them."""
    encoded = []
    for packed in coco_pack(masks_BHW):
        counts = unpack(packed["counts"])
        ends = list(accumulate(counts))
        words = [f"{ends[run - 1] + 1} {counts[run]}" for run in range(1, len(counts), 2)]
        encoded.append(" ".join(words))
    return encoded


def unpack(text: bytes) -> list[int]:
    """Run lengths of pycocotools: 5 bits per byte, lowest first; after the third, differences to the last but one."""
    counts: list[int] = []
    value = shift = 0
    for byte in text:
        bits = byte - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    return counts


def main() -> None:
    masks_BHW = synthetic_masks(np.random.default_rng(0), MASKS)
    sides: dict[str, tuple[Callable, Masks]] = {
        "ours": (encode, masks_BHW),
        "loop over pixels": (pixel_loop, masks_BHW[:SLOW_MASKS]),
        "NumPy, mask by mask": (numpy_loop, masks_BHW),
        "pycocotools, packing alone": (coco_pack, masks_BHW),
        "pycocotools, as competition strings": (coco_strings, masks_BHW),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    results = {}
    for _ in range(ROUNDS):
        for name, (side, masks) in sides.items():
            start = perf_counter()
            results[name] = side(masks)
            times[name].append((perf_counter() - start) / len(masks))

    strings = results["ours"]
    for name in ("loop over pixels", "NumPy, mask by mask", "pycocotools, as competition strings"):
        assert results[name] == strings[: len(results[name])], name

    runs = sum(len(text.split()) for text in strings) / 2 / MASKS
    print(f"{MASKS} masks of {runs:.0f} runs in the mean, median of {ROUNDS} interleaved rounds, all strings equal")
    print(f"the loop over pixels is timed on {SLOW_MASKS} masks and scaled")
    ours = statistics.median(times["ours"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        print(f"{name:36} {middle * 1e6:9.2f} us a mask {middle * MASKS:8.2f} s in all {middle / ours:8.1f} x")


if __name__ == "__main__":
    main()
