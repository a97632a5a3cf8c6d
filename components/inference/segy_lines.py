"""The lines of a SEG-Y file, by the inline and crossline numbers of its traces."""

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.inference.volume import Line


def find_lines(inline_T: NDArray[np.int32], crossline_T: NDArray[np.int32]) -> tuple[Line, ...]:
    """Splits a file's traces into inlines, or into crosslines if the file is sorted by these.

    The traces of a line are consecutive, and their numbers on the other axis rise or fall throughout. A line may have
    any of the other axis's numbers, so that volumes with missing traces are split as well.

    Args:
        inline_T: Inline number of each trace.
        crossline_T: Crossline number of each trace.

    Returns:
        The lines; a single one without a name if the numbers do not describe a volume.
    """
    axes = (("inline", inline_T, crossline_T), ("crossline", crossline_T, inline_T))
    for name, slow_T, fast_T in axes:
        starts = np.flatnonzero(np.diff(slow_T)) + 1
        bounds = [0, *starts.tolist(), len(slow_T)]
        numbers = slow_T[bounds[:-1]]
        several = 1 < len(numbers) <= len(slow_T) // 2
        if several and len(np.unique(numbers)) == len(numbers) and _one_way(fast_T, starts):
            return tuple(
                Line(f"{name}{number}", start, stop)
                for number, start, stop in zip(numbers, bounds[:-1], bounds[1:], strict=True)
            )
    return (Line("", 0, len(inline_T)),)


def _one_way(fast_T: NDArray[np.int32], starts: NDArray[np.intp]) -> bool:
    """Whether the numbers rise, or fall, from each trace to the next of the same line."""
    steps = np.delete(np.diff(fast_T.astype(np.int64)), starts - 1)
    return bool((steps > 0).all() or (steps < 0).all())
