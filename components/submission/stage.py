"""From the ensemble's probability maps to a file that Kaggle takes."""

import csv
import logging
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from components.core.config import parse_config
from components.core.metric import Overlap, cut, overlap
from components.core.rle import encode
from components.core.storage import atomic_path, write_json
from components.submission.check import HEADER, check_submission
from components.submission.choice import Choice, choose
from components.submission.survey import Survey, open_maps, read_folds, read_survey

log = logging.getLogger(__name__)


def submit(
    dataset: str, folds: str, oof: str, test: str, config: dict, *, submission: str, choice: str
) -> dict[str, float]:
    """Chooses threshold and smallest area on the out-of-fold maps, and writes the masks of the test maps.

    Args:
        dataset: Parquet file of the images (`DATASET`).
        folds: Parquet file of their folds (`FOLDS`).
        oof: Parquet file of the out-of-fold maps (`MAPS`), one for each labelled image.
        test: Parquet file of the test maps (`MAPS`), one for each test image.
        config: The configuration.
        submission: The csv file to write.
        choice: The JSON file to write, with what was chosen and how it scores.

    Returns:
        The numbers of the choice.

    Raises:
        SaltError: If an input does not fit the dataset, or an output cannot be written.
    """
    settings = parse_config(config)
    survey = read_survey(dataset)
    folds_B = read_folds(folds, survey)
    oof_maps, test_maps = open_maps(oof, survey.labelled, survey), open_maps(test, survey.test, survey)

    chosen = choose(
        _overlap(oof_maps, survey.masks_BHW), folds_B, settings.submission.threshold, settings.submission.min_area
    )
    log.info("out-of-fold score %.4f (threshold %.3f, at least %d px)", chosen.score, chosen.threshold, chosen.min_area)

    rles = [rle for maps_BHW in test_maps for rle in encode(_masks(maps_BHW, chosen))]
    _write(submission, survey, dict(zip(survey.test, rles, strict=True)))
    numbers = asdict(chosen)
    facts = {
        "images": len(survey.labelled),
        "test_images": len(rles),
        "test_salt_share": sum(map(bool, rles)) / max(len(rles), 1),
        "fixed": settings.submission.model_dump(),
        "data_hash": survey.data_hash,
        "config_hash": settings.hash,
    }
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


def _masks(maps_BHW: NDArray[np.uint8], chosen: Choice) -> NDArray[np.uint8]:
    """Masks of maps."""
    salt_BHW = maps_BHW >= cut(chosen.threshold)
    salt_BHW[np.count_nonzero(salt_BHW, axis=(1, 2)) < chosen.min_area] = False
    return salt_BHW.view(np.uint8)


def _write(path: str, survey: Survey, rle_by_id: dict[str, str]) -> None:
    """Writes the csv; what Kaggle would refuse never gets its name."""
    with atomic_path(path) as part:
        with part.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(HEADER)
            rows.writerows((image, rle_by_id[image]) for image in survey.order)
        problems = check_submission(part, survey.test)
        assert not problems, problems
