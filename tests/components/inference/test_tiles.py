"""Tiles cover an image of any size; where they overlap, their predictions are blended."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.sources import Rows, Source
from salt_pipeline.components.inference.tiles import count_tiles, predict_bands, starts, window

SIZES = st.integers(1, 330)
STRIDES = st.integers(20, SIDE)


@settings(deadline=None)
@given(SIZES, STRIDES)
def test_tiles_reach_both_ends_without_a_gap(length: int, stride: int) -> None:
    first = starts(length, stride)
    assert first[0] == 0
    assert first[-1] + SIDE == max(length, SIDE)
    assert (np.diff(first) >= 1).all()
    assert (np.diff(first) <= stride).all()


@settings(deadline=None)
@given(SIZES, SIZES, STRIDES, st.integers(1, 9))
def test_a_model_that_copies_its_input_gives_back_the_image(height: int, width: int, stride: int, batch: int) -> None:
    image_HW = np.random.default_rng(height).integers(0, 256, (height, width), dtype=np.uint8)
    source = Source(Path("a.png"), height, width, Scaling())
    seen = 0

    def copy(tiles_BHW: np.ndarray) -> np.ndarray:
        nonlocal seen
        assert len(tiles_BHW) <= batch
        assert tiles_BHW.shape[1:] == (SIDE, SIDE)
        seen += len(tiles_BHW)
        return tiles_BHW

    bands = list(predict_bands(source, Rows(image_HW), copy, stride, batch))
    np.testing.assert_array_equal(np.concatenate([grey for grey, _, _ in bands]), image_HW)
    np.testing.assert_array_equal(np.concatenate([map_HW for _, map_HW, _ in bands]), image_HW)
    assert sum(count for _, _, count in bands) == seen == count_tiles(source, stride)
    assert max(len(grey) for grey, _, _ in bands) <= SIDE


def test_the_middle_of_a_tile_has_the_largest_weight() -> None:
    weight = window()
    assert weight.argmax() == SIDE // 2
    np.testing.assert_allclose(weight, weight[::-1], rtol=1e-5)
    assert 0 < weight[0] < 0.01 < weight[25] < weight[50]


def test_the_blend_of_two_tiles_is_between_their_values() -> None:
    source = Source(Path("a.png"), SIDE, 165, Scaling())
    levels = iter([np.uint8(0), np.uint8(200)])

    def level(tiles_BHW: np.ndarray) -> np.ndarray:
        return np.stack([np.full((SIDE, SIDE), next(levels)) for _ in tiles_BHW])

    image_HW = np.zeros((SIDE, 165), np.uint8)
    ((_, map_HW, _),) = predict_bands(source, Rows(image_HW), level, 64, 8)
    assert (map_HW == map_HW[0]).all()
    assert (map_HW[0, :64] == 0).all()
    assert (map_HW[0, SIDE:] == 200).all()
    assert (np.diff(map_HW[0].astype(int)) >= 0).all()
