import itertools

import numpy as np
import pytest

from salt_pipeline.components.report.page.breakdown import (
    by_coverage,
    by_depth,
    coverage_chart,
    depth_chart,
    distribution_chart,
)


def test_coverage_classes_include_their_upper_bounds() -> None:
    coverage = np.array([0, 0, 0.005, 0.01, 0.011, 0.2, 0.5, 1])
    parts = by_coverage(np.arange(8) / 10, coverage, seed=1)
    assert [(part.name, part.images) for part in parts] == [
        ("no salt", 2),
        ("up to 1%", 2),
        ("1% to 20%", 2),
        ("40% to 60%", 1),
        ("80% to 100%", 1),
    ]
    assert [part.score for part in parts] == pytest.approx([0.05, 0.25, 0.45, 0.6, 0.7])
    chart = coverage_chart(parts)
    assert ">2 images</text>" in chart
    assert "1% to 20% 0.45 (2 images)" in chart


def test_depth_classes_have_equal_sizes_and_omit_unknown_depths() -> None:
    rng = np.random.default_rng(2)
    depths = np.append(rng.permutation(np.arange(100, 900)), [np.nan, np.nan]).astype(float)
    scores = np.append((depths[:-2] < 300).astype(float), [1, 1])
    parts = by_depth(scores, depths, seed=1)
    assert len(parts) == 8
    assert sum(part.images for part in parts) == 800
    assert all(99 <= part.images <= 102 for part in parts)
    assert (parts[0].low, parts[-1].high) == (100, 899)
    assert [part.score for part in parts[:1] + parts[3:]] == [1, 0, 0, 0, 0, 0]
    assert all(before.high < after.low for before, after in itertools.pairwise(parts))
    assert "depth of the tile, ft" in depth_chart(parts)


def test_one_depth_is_one_class_and_no_depth_is_none() -> None:
    assert [part.images for part in by_depth(np.ones(5), np.full(5, 100.0), seed=1)] == [5]
    assert by_depth(np.ones(5), np.full(5, np.nan), seed=1) == []


def test_the_distribution_counts_every_image() -> None:
    scores = np.array([0, 0, 0.3, 0.9, 1, 1, 1])
    chart = distribution_chart(scores, np.array([True, False, True, True, False, False, True]))
    assert "3 score 1, 2 score 0, of 7" in chart
