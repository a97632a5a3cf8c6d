"""The lines of a SEG-Y file."""

import numpy as np
import pytest

from salt_pipeline.components.inference.segy_lines import find_lines
from salt_pipeline.components.inference.volume import Line

INLINES, CROSSLINES = np.repeat([100, 110, 120], 4), np.tile([7, 8, 9, 10], 3)


def test_a_volume_sorted_by_inlines() -> None:
    assert find_lines(INLINES, CROSSLINES) == (
        Line("inline100", 0, 4),
        Line("inline110", 4, 8),
        Line("inline120", 8, 12),
    )
    assert find_lines(INLINES[::-1], CROSSLINES[::-1])[0] == Line("inline120", 0, 4)


def test_a_volume_sorted_by_crosslines() -> None:
    assert find_lines(CROSSLINES, INLINES) == (
        Line("crossline100", 0, 4),
        Line("crossline110", 4, 8),
        Line("crossline120", 8, 12),
    )


def test_missing_traces_shorten_a_line() -> None:
    keep = np.ones(12, dtype=bool)
    keep[[0, 4, 5, 6]] = False
    lines = find_lines(INLINES[keep], CROSSLINES[keep])
    assert lines == (Line("inline100", 0, 3), Line("inline110", 3, 4), Line("inline120", 4, 8))


@pytest.mark.parametrize(
    ("inlines", "crosslines"),
    [
        ([0] * 12, [0] * 12),  # no numbers at all
        ([5] * 12, range(12)),  # a line of a survey
        (range(12), [0] * 12),  # numbered along the line
        (np.repeat(range(6), 2), [0] * 12),  # two traces for each shot point
        (np.tile([1, 2, 3], 4), np.tile([7, 8], 6)),  # in no order
        (INLINES, np.tile([7, 7, 8, 8], 3)),  # several offsets: not stacked
        ([3], [4]),
    ],
)
def test_other_numbers_are_one_line(inlines: list[int], crosslines: list[int]) -> None:
    assert find_lines(np.array(inlines), np.array(crosslines)) == (Line("", 0, len(inlines)),)
