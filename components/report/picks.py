"""Which out-of-fold images the page shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.core.metric import cut, score_images
from components.report.figures import strip
from components.report.inputs import Choice, Labelled, Maps

PICKS = 6
"""Images of a group."""


@dataclass(frozen=True)
class Pick:
    """One image of the collage: its strip (image, truth, prediction) as PNG, and the numbers of its caption."""

    id: str
    fold: int
    score: float
    truth: float
    predicted: float
    png: bytes


@dataclass(frozen=True)
class Group:
    """Images picked by one rule."""

    title: str
    rule: str
    picks: tuple[Pick, ...]


def pick_images(ensemble: Maps, labelled: Labelled, choice: Choice, seed: int) -> list[Group]:
    """Picks the best, worst, median and some random images by the ensemble's out-of-fold masks.

    Args:
        ensemble: Its maps; those of constant images already empty.
        labelled: Images and truth.
        choice: Threshold and smallest area.
        seed: Of the random picks.
    """
    scores_B = score_images(ensemble.maps_BHW, labelled.masks_BHW, choice.threshold, choice.min_area)
    salt_BHW = ensemble.maps_BHW >= cut(choice.threshold)
    salt_BHW &= (salt_BHW.sum(axis=(1, 2)) >= choice.min_area)[:, None, None]
    truth_BHW = labelled.masks_BHW.astype(bool)
    wrong_B = (salt_BHW ^ truth_BHW).sum(axis=(1, 2))
    truth_B = truth_BHW.sum(axis=(1, 2))
    # Full or empty masks are easily right; the boundary is what there is to see.
    partly = np.flatnonzero((truth_B > 0) & (truth_B < truth_BHW[0].size))
    everything = np.arange(len(scores_B))
    shuffled_B = np.random.default_rng(seed).permutation(len(scores_B))
    middle = np.median(scores_B[partly]) if len(partly) else 0
    away_B = np.abs(scores_B - middle)

    def group(title: str, rule: str, rows: NDArray[np.intp], *keys: NDArray) -> Group:
        order = np.lexsort([key[rows] for key in reversed(keys)])
        return Group(title, rule, tuple(pick(row) for row in rows[order][:PICKS]))

    def pick(row: int) -> Pick:
        return Pick(
            id=labelled.ids[row],
            fold=int(labelled.fold_B[row]),
            score=float(scores_B[row]),
            truth=float(truth_BHW[row].mean()),
            predicted=float(salt_BHW[row].mean()),
            png=strip(labelled.images_BHW[row], truth_BHW[row], salt_BHW[row]),
        )

    edge = "images with a salt boundary"
    return [
        group("Best", f"{edge}: fewest wrong pixels among the highest scores", partly, -scores_B, wrong_B),
        group("Median", f"{edge}: nearest to their median score, {middle:.1f}", partly, away_B, shuffled_B),
        group("Worst", "all images: most wrong pixels among the lowest scores", everything, scores_B, -wrong_B),
        group("Random", f"all images, salt or not: drawn with seed {seed}", everything, shuffled_B),
    ]
