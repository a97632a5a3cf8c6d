import numpy as np

from salt_pipeline.components.core.paired import pair


def test_a_run_compared_with_itself_has_no_difference() -> None:
    scores_B = np.linspace(0, 1, 50)
    paired = pair("same", scores_B, scores_B)
    assert (paired.mean, paired.low, paired.high, paired.won, paired.lost, paired.tied) == (0, 0, 0, 0, 0, 50)


def test_the_interval_narrows_with_more_images() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for size in (50, 5000):
        paired = pair("other", np.zeros(size), rng.normal(0.1, 1, size))
        widths.append(paired.high - paired.low)
    assert widths[0] > 5 * widths[1]
