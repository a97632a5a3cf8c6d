"""Writes the submission for Kaggle from the ensemble's maps, and the bundle that predicts further images."""

import csv
import logging
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.files import atomic_path, write_json
from salt_pipeline.components.core.intervals import interval
from salt_pipeline.components.core.labelled import read_folds
from salt_pipeline.components.core.metric import Overlap, overlap, to_masks
from salt_pipeline.components.core.rle import encode
from salt_pipeline.components.submission.bundle import bundle_ensemble, find_models
from salt_pipeline.components.submission.check import HEADER, check_submission
from salt_pipeline.components.submission.choice import choose, scores
from salt_pipeline.components.submission.inputs import ImageIndex, open_maps, read_index, read_weights

log = logging.getLogger(__name__)


def submit(
    dataset: str,
    folds: str,
    oof: str,
    test: str,
    models: list[str],
    config: dict,
    *,
    submission: str,
    choice: str,
    bundle: str,
) -> dict[str, float]:
    """Chooses threshold and smallest area on the out-of-fold maps, writes the masks of the test maps, and the bundle.

    Args:
        dataset: Parquet file of the images (`DATASET`).
        folds: Parquet file of their folds (`FOLDS`).
        oof: Parquet file of the out-of-fold maps (`MAPS`), one for each labelled image.
        test: Parquet file of the test maps (`MAPS`), one for each test image.
        models: Folder of each job's model, in any order; without models no bundle is written.
        config: The configuration.
        submission: The csv file to write.
        choice: The JSON file to write, with the choice and its scores.
        bundle: The folder to write, with everything that a prediction needs.

    Returns:
        The numbers of the choice.

    Raises:
        SaltError: If an input does not match the dataset, or an output cannot be written.
    """
    settings = parse_config(config)
    index = read_index(dataset)
    folds_B = read_folds(folds, index.labelled, {"data_hash": index.data_hash, "folds": str(settings.split.folds)})
    oof_maps = open_maps(oof, index.labelled, index, "oof", settings)
    test_maps = open_maps(test, index.test, index, "test", settings)
    weights = read_weights(test, settings)
    members = find_models(models, settings, index.data_hash) if models else {}

    found = _overlap(oof_maps, index.masks_BHW)
    chosen = choose(found, folds_B, settings.submission.threshold, settings.submission.min_area)
    low, high = interval(scores(found, chosen), settings.seed)
    log.info("out-of-fold score %.4f (threshold %.3f, at least %d px)", chosen.score, chosen.threshold, chosen.min_area)

    masks = (to_masks(maps_BHW, chosen.threshold, chosen.min_area) for maps_BHW in test_maps)
    rles = [rle for masks_BHW in masks for rle in encode(masks_BHW)]
    numbers = asdict(chosen)
    facts = {
        "score_low": low,
        "score_high": high,
        "images": len(index.labelled),
        "test_images": len(rles),
        "test_salt_share": sum(map(bool, rles)) / max(len(rles), 1),
        "weights": weights,
        "fixed": settings.submission.model_dump(),
        "data_hash": index.data_hash,
        "config_hash": settings.hash,
    }
    if members:  # before the csv file: a model that is damaged is found now
        bundle_ensemble(bundle, members, settings, numbers | facts, index)
    _write(submission, index, dict(zip(index.test, rles, strict=True)))
    write_json(choice, numbers | facts)
    return {name: float(value) for name, value in numbers.items()}


def _overlap(maps: Iterable[NDArray[np.uint8]], masks_BHW: NDArray[np.uint8]) -> Overlap:
    """Overlap of streamed maps with the masks."""
    parts, start = [], 0
    for maps_BHW in maps:
        parts.append(overlap(maps_BHW, masks_BHW[start : start + len(maps_BHW)]))
        start += len(maps_BHW)
    return Overlap(
        np.concatenate([part.intersection_BT for part in parts]),
        np.concatenate([part.area_BT for part in parts]),
        np.concatenate([part.truth_B for part in parts]),
    )


def _write(path: str, index: ImageIndex, rle_by_id: dict[str, str]) -> None:
    """Writes the csv file; an invalid one never appears under its name."""
    with atomic_path(path) as part:
        with part.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(HEADER)
            rows.writerows((image, rle_by_id[image]) for image in index.order)
        problems = check_submission(part, index.test)
        assert not problems, problems
