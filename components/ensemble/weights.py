"""The encoders' weights, learned on out-of-fold maps."""

from collections.abc import Iterable
from itertools import combinations, pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.blend import weighted_mean
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import CUTS, overlap, score
from salt_pipeline.components.ensemble.merge import MapRows

CANDIDATES = 200
"""Largest number of weightings that are tried."""

Weights = tuple[float, ...]


def lattice(encoders: int) -> list[Weights]:
    """Returns all weightings of `encoders` encoders in positive multiples of one step that sum to 1.

    The step is 1/20, or larger where that would give more than `CANDIDATES`. Two encoders have 19 weightings,
    three have 171.
    """
    steps = max(20, encoders)
    while comb(steps - 1, encoders - 1) > CANDIDATES:
        steps -= 1
    ends = combinations(range(1, steps), encoders - 1)
    return [tuple((after - before) / steps for before, after in pairwise((0, *cuts, steps))) for cuts in ends]


def learn_weights(
    folds: Iterable[Iterable[list[MapRows]]], mask_by_id: dict[str, NDArray[np.uint8]], encoders: int
) -> list[Weights]:
    """Finds the weights whose blended maps score best, each weighting at its own best threshold.

    At one fixed threshold the choice would depend on how the blend shifts the probabilities.

    Args:
        folds: For each fold, the maps of its held-out images, as lists with one part of each encoder.
        mask_by_id: True mask (101, 101) of each image, 1 is salt.
        encoders: Number of encoders.

    Returns:
        For each fold the weights that score best on the other folds, so that no image influences its own weights; and,
        last, those that score best on all.

    Raises:
        SaltError: If an image has no mask.
    """
    candidates = lattice(encoders)
    tenths_FCT = np.array([_tenths(fold, mask_by_id, candidates) for fold in folds])
    others_FCT = tenths_FCT.sum(axis=0) - np.concatenate([tenths_FCT, np.zeros_like(tenths_FCT[:1])])
    return [candidates[int(np.argmax(of_others_CT.max(axis=1)))] for of_others_CT in others_FCT]


def _tenths(
    fold: Iterable[list[MapRows]], mask_by_id: dict[str, NDArray[np.uint8]], candidates: list[Weights]
) -> NDArray[np.int64]:
    """Sum of the scores of a fold's images under each candidate at each cut (C, 255), in tenths."""
    tenths_CT = np.zeros((len(candidates), CUTS), dtype=np.int64)
    for parts in fold:
        first = parts[0]
        for image, path in zip(first.ids_B, first.path_B, strict=True):
            if image not in mask_by_id:
                raise SaltError("has no mask in the dataset", file=path, field=image)
        mask_BHW = np.stack([mask_by_id[image] for image in first.ids_B])
        for c, weights in enumerate(candidates):
            map_BHW = weighted_mean(weights, [[part.map_BHW] for part in parts])
            found = overlap(map_BHW, mask_BHW)
            score_BT = score(found.intersection_BT, found.area_BT, found.truth_B[:, None])
            tenths_CT[c] += np.rint(10 * score_BT).astype(np.int64).sum(axis=0)
    return tenths_CT
