"""Chooses the threshold and the smallest area that score best on out-of-fold maps.

The score of a set of images is a sum over them. So one table of sums per fold, over all cuts and areas, gives the best
pair of all folds and the best pair of all folds but one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import CUTS, Overlap, cut, score

AREAS = 513
"""Number of smallest areas that are tried: 0 to 512 px, 5 % of the image."""

_HALF = cut(0.5)


@dataclass(frozen=True)
class Choice:
    """The chosen threshold and smallest area, and their scores.

    Attributes:
        threshold: A pixel is salt if its probability is strictly above it.
        min_area: A mask of fewer pixels is emptied.
        score: Mean score of the images it was chosen on.
        score_at_half: Their mean score at threshold 0.5 and no smallest area.
        score_cross_fitted: Mean score when each fold is scored by the pair that is best on the others, so that no image
            influences its own threshold.
        salt_accuracy: Fraction of images correctly predicted to hold salt or none.
    """

    threshold: float
    min_area: int
    score: float
    score_at_half: float
    score_cross_fitted: float
    salt_accuracy: float


def choose(
    found: Overlap,
    folds_B: NDArray[np.integer],
    threshold: float | Literal["best"] = "best",
    min_area: int | Literal["best"] = "best",
) -> Choice:
    """Searches all pairs of cut and smallest area, exactly.

    Of several best pairs it takes the one with the smallest area, then the one with the threshold nearest to 0.5.

    Args:
        found: Overlap of the out-of-fold maps with the masks; at least one image.
        folds_B: The fold (B,) that holds each image out.
        threshold: Fixes the threshold.
        min_area: Fixes the smallest area, px.

    Raises:
        SaltError: If the fixed threshold is 1, above which there is no probability.
    """
    cuts_T = np.arange(1, CUTS + 1)
    if threshold != "best":
        cuts_T = np.array([cut(threshold)])
        if cuts_T[0] > CUTS:
            raise SaltError(
                "leaves no salt at all", field="submission.threshold", found=threshold, expected="less than 1"
            )
    areas_A = np.arange(AREAS) if min_area == "best" else np.array([min_area])

    tenths_BT = np.rint(10 * score(found.intersection_BT, found.area_BT, found.truth_B[:, None])).astype(np.int32)
    sums_FTA = np.stack([_sums(found, tenths_BT, folds_B == fold, cuts_T, areas_A) for fold in np.unique(folds_B)])
    sums_TA = sums_FTA.sum(axis=0)
    best = _best(sums_TA, cuts_T, areas_A)
    cross_fitted = sum(int(own_TA[_best(sums_TA - own_TA, cuts_T, areas_A)]) for own_TA in sums_FTA)

    level, area = int(cuts_T[best[0]]), int(areas_A[best[1]])
    salt_B = found.area_BT[:, level - 1] >= max(area, 1)
    points = 10 * len(folds_B)
    return Choice(
        threshold=round((level - 0.5) / 255, 4) if threshold == "best" else threshold,
        min_area=area,
        score=int(sums_TA[best]) / points,
        score_at_half=int(tenths_BT[:, _HALF - 1].sum()) / points,
        score_cross_fitted=cross_fitted / points,
        salt_accuracy=float(np.mean(salt_B == (found.truth_B > 0))),
    )


def scores(found: Overlap, choice: Choice) -> NDArray[np.float64]:
    """The score of each image (B,) at the chosen threshold and smallest area."""
    column = cut(choice.threshold) - 1
    kept_B = found.area_BT[:, column] >= choice.min_area
    return score(found.intersection_BT[:, column] * kept_B, found.area_BT[:, column] * kept_B, found.truth_B)


def _sums(
    found: Overlap,
    tenths_BT: NDArray[np.int32],
    members_B: NDArray[np.bool_],
    cuts_T: NDArray[np.integer],
    areas_A: NDArray[np.integer],
) -> NDArray[np.int64]:
    """Sum of the scores of some images, in tenths, at each cut and smallest area (T, A).

    An image whose mask is smaller than the area scores as an empty mask. So every image adds its score as empty
    everywhere, and the gain of its mask over that only where the mask is kept, by one weighted histogram over areas.
    """
    pick = np.ix_(members_B, cuts_T - 1)
    empty_B = 10 * (found.truth_B[members_B] == 0)
    gain_BT = tenths_BT[pick] - empty_B[:, None]
    kept_BT = np.searchsorted(areas_A, found.area_BT[pick], side="right")  # by how many of the areas it is kept
    bins = len(areas_A) + 1
    index_BT = kept_BT + bins * np.arange(len(cuts_T))
    sums = np.bincount(index_BT.ravel(), gain_BT.ravel(), minlength=bins * len(cuts_T)).reshape(-1, bins)
    gained_TA = sums[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return np.rint(gained_TA).astype(np.int64) + int(empty_B.sum())


def _best(
    sums_TA: NDArray[np.int64], cuts_T: NDArray[np.integer], areas_A: NDArray[np.integer]
) -> tuple[np.intp, np.intp]:
    """Index of the best sum; of equal ones the smallest area, then the cut nearest to one half."""
    rows, columns = np.nonzero(sums_TA == sums_TA.max())
    first = np.lexsort((np.abs(cuts_T[rows] - _HALF), areas_A[columns]))[0]
    return rows[first], columns[first]
