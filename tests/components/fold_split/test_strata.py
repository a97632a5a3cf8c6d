from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.fold_split.strata import BORDER, ORDER, mask_classes, merge_rare


def _mask(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    mask[rows, columns] = 1
    return mask


def test_each_class_is_recognised() -> None:
    everywhere = slice(None)
    examples = {
        "empty": _mask(slice(0), everywhere),
        "vertical": _mask(everywhere, slice(20, 60)),
        "border": _mask(slice(BORDER), everywhere),
        "cover1": _mask(slice(BORDER + 1), everywhere),
        "cover3": _mask(slice(50), everywhere),
        "cover5": _mask(slice(100), everywhere),
    }
    assert mask_classes(np.stack(list(examples.values()))).tolist() == list(examples)


def test_a_full_mask_is_not_vertical() -> None:
    assert mask_classes(np.ones((1, SIDE, SIDE), dtype=np.uint8)).tolist() == ["cover5"]


def test_one_salt_pixel_in_a_corner_is_border_and_in_the_middle_is_cover() -> None:
    masks = np.stack([_mask(slice(1), slice(1)), _mask(slice(50, 51), slice(50, 51))])
    assert mask_classes(masks).tolist() == ["border", "cover1"]


def test_coverage_bins_are_fifths() -> None:
    edges = [SIDE * SIDE * b // 5 for b in range(1, 5)]
    masks = np.zeros((8, SIDE * SIDE), dtype=np.uint8)
    for k, edge in enumerate(edges):
        masks[2 * k, :edge] = 1
        masks[2 * k + 1, : edge + 1] = 1
    found = mask_classes(masks.reshape(-1, SIDE, SIDE)).tolist()
    assert found == [f"cover{b}" for k in (1, 2, 3, 4) for b in (k, k + 1)]


@given(st.lists(st.sampled_from(ORDER), min_size=1, max_size=80), st.integers(2, 8))
def test_no_class_is_rare_after_merging(names: list[str], smallest: int) -> None:
    classes = np.array(names, dtype=np.str_)
    merged = merge_rare(classes, smallest)
    sizes = Counter(merged.tolist())
    assert len(sizes) == 1 or min(sizes.values()) >= smallest
    kept = {name for name, size in Counter(names).items() if size >= smallest}
    for before, after in zip(names, merged.tolist(), strict=True):
        assert after == before or before not in kept or Counter(names)[before] < sizes[after]


def test_a_rare_class_joins_its_smaller_neighbour() -> None:
    classes = np.array(["cover1"] * 9 + ["cover2"] * 2 + ["cover3"] * 6)
    assert Counter(merge_rare(classes, 5).tolist()) == {"cover1": 9, "cover3": 8}
