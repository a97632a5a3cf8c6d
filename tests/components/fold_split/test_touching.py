import numpy as np

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.fold_split.touching import group_tiles, touching_pairs
from tests.components.fold_split.sections import cut_section


def test_only_neighbours_in_a_section_are_found() -> None:
    tiles = np.concatenate([cut_section(seed, 2, 3) for seed in range(4)])
    expected = set()
    for first in range(0, 24, 6):
        expected |= {(first + k, first + k + 1) for k in (0, 1, 3, 4)}
        expected |= {(first + k, first + k + 3) for k in (0, 1, 2)}
    assert set(touching_pairs(tiles)) == expected


def test_tiles_are_grouped_by_section_in_any_order() -> None:
    tiles = np.concatenate([cut_section(seed, 2, 3) for seed in range(4)])
    section = np.repeat(np.arange(4), 6)
    order = np.random.default_rng(0).permutation(24)
    groups = group_tiles(tiles[order])
    same = groups[:, None] == groups[None, :]
    assert (same == (section[order][:, None] == section[order][None, :])).all()


def test_switched_off_only_identical_tiles_are_grouped() -> None:
    tiles = cut_section(0, 1, 3)
    tiles = np.concatenate([tiles, tiles[1:2]])
    assert group_tiles(tiles, touching=False).tolist() == [0, 1, 2, 1]


def test_identical_tiles_have_the_same_neighbours() -> None:
    tiles = cut_section(0, 1, 2)
    assert group_tiles(np.concatenate([tiles, tiles])).tolist() == [0, 0, 0, 0]


def test_constant_images_are_not_grouped() -> None:
    black = np.zeros((3, SIDE, SIDE), dtype=np.uint8)
    assert group_tiles(np.concatenate([black, black + 9])).tolist() == [0, 1, 2, 3, 4, 5]


def test_nearly_flat_borders_match_nothing() -> None:
    tiles = cut_section(0, 1, 2) // 40
    assert touching_pairs(tiles) == []


def test_a_single_tile_is_a_group() -> None:
    assert group_tiles(cut_section(0, 1, 1)).tolist() == [0]
