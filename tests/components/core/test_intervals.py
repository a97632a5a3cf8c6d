import numpy as np
import pytest

from salt_pipeline.components.core.intervals import LEVEL, interval


def test_the_interval_of_many_images_is_that_of_the_normal_distribution() -> None:
    scores_B = np.random.default_rng(0).normal(0.7, 0.2, 4000)
    low, high = interval(scores_B, seed=1)
    error = scores_B.std() / np.sqrt(len(scores_B))
    assert LEVEL == 0.95
    assert low == pytest.approx(scores_B.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(scores_B.mean() + 1.96 * error, abs=0.2 * error)


def test_it_depends_on_scores_and_seed_alone() -> None:
    scores_B = np.linspace(0, 1, 30)
    assert interval(scores_B, seed=3) == interval(scores_B.copy(), seed=3)
    assert interval(scores_B, seed=3) != interval(scores_B, seed=4)
    assert interval(np.full(10, 0.3), seed=0) == pytest.approx((0.3, 0.3))
