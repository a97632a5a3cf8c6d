"""The metric at all 255 thresholds, against a histogram2d for each image and threshold.

Run: python -m benchmarks.metric
"""

import statistics
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.metric import CUTS, overlap, score, score_images

IMAGES, ROUNDS = 4000, 5
SLOW_IMAGES, SLOW_CUTS = 40, range(8, 256, 16)
"""Number of images, and the thresholds, that the slow implementations are timed on: 40 images at 16 thresholds."""


def synthetic_masks(rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """Masks like the survey's: 39 % empty, the others domes and layers with wavy boundaries."""
    x = np.arange(101)
    waves = rng.uniform(0, 12, (2, count, 1)) * np.sin(
        x / rng.uniform(8, 40, (2, count, 1)) + rng.uniform(0, 6.3, (2, count, 1))
    )
    top, bottom = rng.uniform(-20, 110, (2, count, 1)) + waves
    bottom[::2] = 101  # every other body goes down to the edge
    y = x[:, None]
    masks_BHW = np.empty((count, 101, 101), dtype=np.uint8)
    for index in range(count):
        masks_BHW[index] = (y > top[index]) & (y < bottom[index])
    masks_BHW[rng.random(count) < 0.39] = 0
    return masks_BHW


def synthetic_maps(rng: np.random.Generator, masks_BHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Maps that mostly agree with the masks, with values near 0 or 255 at most pixels, as a network's have."""
    noise = rng.normal(0, 40, masks_BHW.shape).astype(np.float32)
    return np.clip(masks_BHW * 300.0 - 25 + noise, 0, 255).astype(np.uint8)


def by_histogram2d(map_HW: NDArray[np.uint8], mask_HW: NDArray[np.uint8], level: int) -> float:
    """One image at one threshold the usual way: a joint histogram of truth and prediction, then IoU by threshold."""
    predicted_HW = (map_HW >= level).astype(np.uint8)
    counts = np.histogram2d(mask_HW.ravel(), predicted_HW.ravel(), bins=([0, 0.5, 1], [0, 0.5, 1]))[0]
    union = counts.sum() - counts[0, 0]
    if union == 0:
        return 1.0
    iou = counts[1, 1] / union
    return float(np.mean([iou > t for t in np.arange(0.5, 1, 0.05)]))


def main() -> None:
    rng = np.random.default_rng(0)
    masks_BHW = synthetic_masks(rng, IMAGES)
    maps_BHW = synthetic_maps(rng, masks_BHW)
    few_masks_BHW, few_maps_BHW = masks_BHW[:SLOW_IMAGES], maps_BHW[:SLOW_IMAGES]
    times: dict[str, list[float]] = {"ours": [], "histogram2d": [], "vectorised, one threshold at a time": []}

    for _ in range(ROUNDS):
        start = perf_counter()
        found = overlap(maps_BHW, masks_BHW)
        scores_BT = score(found.intersection_BT, found.area_BT, found.truth_B[:, None])
        times["ours"].append((perf_counter() - start) / (IMAGES * CUTS))

        start = perf_counter()
        slow = [
            [by_histogram2d(*pair, level) for level in SLOW_CUTS]
            for pair in zip(few_maps_BHW, few_masks_BHW, strict=True)
        ]
        times["histogram2d"].append((perf_counter() - start) / (SLOW_IMAGES * len(SLOW_CUTS)))

        start = perf_counter()
        direct = [score_images(few_maps_BHW, few_masks_BHW, (level - 0.5) / 255) for level in SLOW_CUTS]
        times["vectorised, one threshold at a time"].append((perf_counter() - start) / (SLOW_IMAGES * len(SLOW_CUTS)))

    columns = [level - 1 for level in SLOW_CUTS]
    assert np.array_equal(np.transpose(direct), scores_BT[:SLOW_IMAGES, columns])
    differ = np.count_nonzero(np.abs(np.array(slow) - scores_BT[:SLOW_IMAGES, columns]) > 1e-9)

    print(f"{IMAGES} images, {CUTS} thresholds, median of {ROUNDS} interleaved rounds")
    print(f"the two others are timed on {SLOW_IMAGES} images x {len(SLOW_CUTS)} thresholds and scaled")
    print(f"scores that differ from histogram2d's: {differ} of {len(slow) * len(columns)}")
    ours = statistics.median(times["ours"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        total = middle * IMAGES * CUTS
        print(f"{name:36} {middle * 1e6:9.3f} us an image and threshold {total:8.2f} s in all {middle / ours:8.0f} x")


if __name__ == "__main__":
    main()
