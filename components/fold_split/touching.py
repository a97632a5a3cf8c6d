"""Groups of tiles that show the same ground: identical ones, and ones that touch in the section they were cut from.

The sections are continuous, so the border of a tile predicts the border of its neighbour. Each border is extrapolated
by half a pixel to the seam; two borders match when the correlation along the seam is high, each is the other's best,
and the second best is clearly worse. Correlation is used because tiles differ in brightness and contrast.
"""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

CORRELATION = 0.75
"""Smallest correlation of two matching borders along the seam (calibrated on the labelled tiles, see the README)."""

MARGIN = 0.10
"""Smallest difference between that correlation and the next best of either border (calibrated in the same way)."""

FLAT = 3.0
"""Smallest standard deviation, in grey levels, of a border that can match another."""

_Pairs = list[tuple[int, int]]


def group_tiles(images_BHW: npt.NDArray[np.uint8], touching: bool = True) -> npt.NDArray[np.int32]:
    """Groups identical and touching tiles.

    Constant images (all black, for example) are identical but show nothing, so each is a group of its own.

    Args:
        images_BHW: Grey levels, (B, H, W), uint8.
        touching: Whether tiles that touch are grouped; identical ones always are.

    Returns:
        Group of each image, from 0 in order of first appearance, (B,), int32.
    """
    count = len(images_BHW)
    textured = np.flatnonzero(np.ptp(images_BHW.reshape(count, -1), axis=1))
    first: dict[bytes, int] = {}
    twins = [(first.setdefault(images_BHW[i].tobytes(), int(i)), int(i)) for i in textured]
    pairs = twins
    if touching and first:
        unique = np.array(list(first.values()))
        pairs = twins + [(int(unique[a]), int(unique[b])) for a, b in touching_pairs(images_BHW[unique])]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
    _, groups = connected_components(graph, directed=False)
    _, start, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(start))[inverse].astype(np.int32)


def touching_pairs(images_BHW: npt.NDArray[np.uint8]) -> _Pairs:
    """Finds pairs of tiles of which one is the right or the lower neighbour of the other.

    The work and the memory grow with the square of the number of tiles: 0.5 GB and a second for 4,000.

    Args:
        images_BHW: Grey levels, all images different, (B, H, W), uint8.

    Returns:
        Index pairs (left, right) and (upper, lower).
    """
    beside = _matches(
        _to_seam(images_BHW[:, :, -1], images_BHW[:, :, -2]),
        _to_seam(images_BHW[:, :, 0], images_BHW[:, :, 1]),
    )
    below = _matches(
        _to_seam(images_BHW[:, -1, :], images_BHW[:, -2, :]),
        _to_seam(images_BHW[:, 0, :], images_BHW[:, 1, :]),
    )
    return beside + below


def _to_seam(border_BN: npt.NDArray[np.uint8], inner_BN: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Twice the border extrapolated by half a pixel, which is an integer."""
    return 3 * border_BN.astype(np.float64) - inner_BN


def _matches(after_BN: npt.NDArray[np.float64], before_BN: npt.NDArray[np.float64]) -> _Pairs:
    """Pairs (i, j) where border `after[i]` continues as `before[j]`.

    All sums are of integers below 2^53, so they are exact in any order: every machine finds the same pairs.
    """
    after_BN, after_B = _centred(after_BN)
    before_BN, before_B = _centred(before_BN)
    correlation = after_BN @ before_BN.T
    correlation /= np.sqrt(after_B)[:, None]
    correlation /= np.sqrt(before_B)[None, :]
    np.fill_diagonal(correlation, -1)
    best = correlation.argmax(axis=1)
    i = np.flatnonzero(correlation.argmax(axis=0)[best] == np.arange(len(best)))
    j = best[i]
    found = correlation[i, j]
    correlation[i, j] = -1
    rival = np.maximum(correlation.max(axis=1)[i], correlation.max(axis=0)[j])
    sure = (found >= CORRELATION) & (found - rival >= MARGIN)
    return list(zip(i[sure].tolist(), j[sure].tolist(), strict=True))


def _centred(border_BN: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """N (x - mean) and its sum of squares, infinite for a flat border, so that its correlations are zero."""
    length = border_BN.shape[1]
    centred = length * border_BN - border_BN.sum(axis=1, keepdims=True)
    squares = (centred**2).sum(axis=1)
    flat = length * (2 * length * FLAT) ** 2
    return centred, np.where(squares < flat, np.inf, squares)
