"""The blend of map files, a row group at a time."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from salt_pipeline.components.core.blend import weighted_mean
from salt_pipeline.components.ensemble.merge import MapRows


def blend_rows(parts: Iterable[list[MapRows]], weights: Sequence[float], folds: int) -> Iterator[MapRows]:
    """Blends maps and probabilities of any salt.

    Args:
        parts: The rows of the same images by each job: all jobs of one encoder, then all of the next.
        weights: The weight of each encoder.
        folds: Number of jobs of an encoder.
    """
    map_weights = [weight / folds for weight in weights]
    for rows in parts:
        encoders = [rows[k : k + folds] for k in range(0, len(rows), folds)]
        map_BHW = weighted_mean(map_weights, [[part.map_BHW for part in of_one] for of_one in encoders])
        salt_EB = [np.sum([part.salt_B for part in of_one], axis=0, dtype=np.float64) for of_one in encoders]
        salt_B = (np.array(map_weights) @ np.array(salt_EB)).astype(np.float32)
        yield MapRows(rows[0].ids_B, map_BHW, salt_B, rows[0].path_B)
