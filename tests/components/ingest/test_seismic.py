"""What each kind of synthetic section holds."""

from typing import get_args

import numpy as np
import pytest

from salt_pipeline.components.ingest.seismic import Kind, section

KINDS: tuple[Kind, ...] = get_args(Kind)
WITH_SALT = [kind for kind in KINDS if kind not in ("empty", "black")]
SEEDS = range(20)


def masks(kind: Kind) -> np.ndarray:
    return np.stack([section(np.random.default_rng(seed), kind)[1] for seed in SEEDS])


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_has_the_given_size_and_depends_on_the_seed_alone(kind: Kind) -> None:
    image_HW, mask_HW = section(np.random.default_rng(1), kind, height=40, width=150)
    assert image_HW.shape == mask_HW.shape == (40, 150)
    assert image_HW.dtype == mask_HW.dtype == np.uint8
    assert set(np.unique(mask_HW)) <= {0, 1}
    again_HW, _ = section(np.random.default_rng(1), kind, height=40, width=150)
    np.testing.assert_array_equal(image_HW, again_HW)


@pytest.mark.parametrize("kind", ["empty", "black"])
def test_a_section_without_salt_has_an_empty_mask(kind: Kind) -> None:
    assert not masks(kind).any()


def test_only_a_black_section_has_black_pixels() -> None:
    assert not section(np.random.default_rng(0), "black")[0].any()
    image_BHW = np.stack([section(np.random.default_rng(seed), "dome")[0] for seed in SEEDS])
    assert (image_BHW.min(), image_BHW.max()) == (1, 255)


def test_vertical_salt_fills_complete_columns() -> None:
    masks_BHW = masks("vertical")
    assert (masks_BHW == masks_BHW[:, :1]).all()
    assert masks_BHW.any(axis=(1, 2)).all()


def test_the_area_of_salt_is_in_the_range_of_its_kind() -> None:
    fraction = {kind: masks(kind).mean(axis=(1, 2)) for kind in WITH_SALT}
    assert fraction["full"].min() > 0.9 > fraction["body"].max()
    assert fraction["full"].max() < 1
    assert fraction["tiny"].max() < 0.01 < fraction["body"].min()
    assert np.median(fraction["dome"]) > 0.1


def test_salt_of_a_dome_reaches_the_bottom_and_not_the_top() -> None:
    masks_BHW = masks("dome")
    assert masks_BHW[:, -1].any(axis=1).mean() > 0.8
    assert masks_BHW[:, 0].any(axis=1).mean() < 0.5


def test_salt_is_quieter_than_the_layers() -> None:
    drawn = [section(np.random.default_rng(seed), "flank") for seed in SEEDS]
    image_BHW, mask_BHW = (np.stack(parts) for parts in zip(*drawn, strict=True))
    assert image_BHW[mask_BHW == 1].std() < 0.7 * image_BHW[mask_BHW == 0].std()
