"""Images that are like those of the training, and those that are not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.bundle_document import Range
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.core.tile_statistics import measure, ranges
from salt_pipeline.components.inference.likeness import Likeness
from salt_pipeline.components.inference.scale import NULL_LEVEL, Scaling
from salt_pipeline.components.inference.sources import Rows, Source
from salt_pipeline.components.inference.tiles import predict_bands
from salt_pipeline.components.ingest.seismic import section

DARKER = 35
"""By how much the sections are darker than usual, so that one of inverted contrast is of another mean."""


def drawn(seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """A synthetic section."""
    rng = np.random.default_rng(seed)
    grey_HW, _ = section(rng, rng.choice(["empty", "dome", "flank", "body"]), height, width)
    return (grey_HW.clip(DARKER) - DARKER).astype(np.uint8)


@pytest.fixture(scope="module")
def training() -> dict[str, Range]:
    found = ranges(measure(np.stack([drawn(seed) for seed in range(400)])))
    assert found is not None
    return {name: Range(**limits) for name, limits in found.items()}


def likeness_of(image_HW: np.ndarray, training: dict[str, Range] | None, stride: int = 64) -> Likeness:
    """The likeness after a prediction in tiles."""
    likeness = Likeness(training)
    height, width = image_HW.shape
    source = Source(Path("a.png"), height, width, Scaling())
    for _ in predict_bands(source, Rows(image_HW), likeness.watched(lambda tile_BHW: tile_BHW), stride, 7):
        pass
    return likeness


def resized(image_HW: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image_HW).resize((width, height), Image.Resampling.BICUBIC))


def test_an_image_of_further_tiles_is_like_the_training_images(training: dict[str, Range]) -> None:
    tiles = iter(range(1000, 1100))
    image_HW = np.block([[drawn(next(tiles)) for _ in range(10)] for _ in range(10)])
    likeness = likeness_of(image_HW, training, stride=SIDE)
    assert likeness.describe() is None
    assert 0 < (likeness.unlike_fraction or 0) < 0.08


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("noise", "mean vertical frequency (cycles per pixel) 0.253 (training: 0.0239 to 0.115)"),
        ("inverted", "median grey level 157 (training: 48 to 117)"),
        ("four samples for one", "mean horizontal frequency (cycles per pixel) 0.0203 (training: 0.0244 to 0.106)"),
        ("one sample for four", "mean vertical frequency (cycles per pixel) 0.179 (training: 0.0239 to 0.115)"),
        ("low contrast", "standard deviation of the grey levels 6.89 (training: 15 to 49.8)"),
        ("high contrast", "standard deviation of the grey levels 84.3 (training: 15 to 49.8)"),
    ],
)
def test_a_section_that_is_not_is_described_by_number(change: str, named: str, training: dict[str, Range]) -> None:
    grey_HW = drawn(3, 600, 600)
    assert likeness_of(grey_HW, training).unlike_fraction == 0
    image_HW = {
        "noise": np.random.default_rng(0).normal(85, 30, (240, 400)).clip(0, 255).astype(np.uint8),
        "inverted": 255 - grey_HW,
        "four samples for one": resized(grey_HW[:100, :100], 400, 400),
        "one sample for four": resized(grey_HW, 150, 150),
        "low contrast": (60 + 0.2 * grey_HW).astype(np.uint8),
        "high contrast": (3 * (grey_HW - 85.0) + 85).clip(0, 255).astype(np.uint8),
    }[change]
    likeness = likeness_of(image_HW, training)
    description = likeness.describe()
    assert description is not None
    assert description.startswith("is unlike the training images in ")
    assert named in description
    assert likeness.unlike_fraction is not None
    assert likeness.unlike_fraction > 0.3


def test_the_numbers_are_those_of_the_tiles_that_are_outside() -> None:
    training = {"median": Range(low=50.0, median=60.0, high=70.0), "of a later version": Range(low=0, median=0, high=0)}
    tile_HW = np.zeros((SIDE, SIDE), np.uint8)
    tile_HW[0, 0] = 1
    likeness = Likeness(training)
    likeness.add(np.stack([tile_HW + level for level in (60, 60, 60, 40, 80, 90)]))
    assert likeness.unlike_fraction == 0.5
    assert (
        likeness.describe()
        == "is unlike the training images in 50% of its tiles: median grey level 85 (training: 50 to 70)"
    )
    one = Likeness(training)
    one.add(tile_HW[None] + np.uint8(20))
    assert one.describe() == "is unlike the training images: median grey level 20 (training: 50 to 70)"


def test_a_quarter_of_the_tiles_may_be_outside() -> None:
    likeness = Likeness({"median": Range(low=50.0, median=60.0, high=70.0)})
    tile_BHW = np.random.default_rng(0).integers(58, 62, (8, SIDE, SIDE), dtype=np.uint8)
    tile_BHW[:2] += 100
    likeness.add(tile_BHW)
    assert (likeness.unlike_fraction, likeness.describe()) == (0.25, None)
    likeness.add(tile_BHW[:1])
    assert likeness.describe() is not None


def test_tiles_without_measurements_are_not_measured(training: dict[str, Range]) -> None:
    grey_HW = drawn(3)
    partly_HW = grey_HW.copy()
    partly_HW[:, :20] = NULL_LEVEL
    likeness = Likeness(training)
    likeness.add(np.stack([np.zeros_like(grey_HW), np.full_like(grey_HW, NULL_LEVEL), partly_HW]))
    assert (likeness.unlike_fraction, likeness.describe()) == (None, None)
    likeness.add(grey_HW[None])
    assert likeness.unlike_fraction == 0


def test_nothing_is_said_if_the_ranges_are_unknown() -> None:
    likeness = likeness_of(np.random.default_rng(0).integers(0, 256, (240, 400), dtype=np.uint8), None)
    assert (likeness.unlike_fraction, likeness.describe()) == (None, None)
