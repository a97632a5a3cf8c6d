"""The numbers of the report: scores by fold, by encoder and of the ensemble."""

from dataclasses import dataclass

import numpy as np

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.intervals import LEVEL, RESAMPLES, Interval, interval
from salt_pipeline.components.core.labelled import one_grey_level, without_salt
from salt_pipeline.components.core.metric import score_images, to_masks
from salt_pipeline.components.report.classification import Classification, confusion, roc_curve
from salt_pipeline.components.report.inputs import ChoiceFile, Labelled, Maps


@dataclass(frozen=True)
class Fold:
    """One fold's held-out images.

    Attributes:
        fold: Its number, from 0.
        images: How many it holds out.
        score_at_half: Mean score at threshold 0.5 and no smallest area.
        score: Mean score at the chosen threshold and smallest area.
        salt_accuracy: Fraction of images that the classifier correctly predicts to hold salt or none.
    """

    fold: int
    images: int
    score_at_half: float
    score: float
    salt_accuracy: float


@dataclass(frozen=True)
class Result:
    """The same over all folds' images (a mean over images, not over folds), with bootstrap intervals over images."""

    name: str
    images: int
    score_at_half: float
    score_at_half_interval: Interval
    score: float
    score_interval: Interval
    salt_accuracy: float
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class Results:
    """All numbers of the report.

    Attributes:
        encoders: Each encoder, in the configuration's order.
        ensemble: The blend of all.
        classification: How well the ensemble separates images with salt from those without.
        score_cross_fitted: The ensemble's score where each fold's threshold and area were chosen on the other folds.
        weights: The encoders' weights in the ensemble of test maps, given or learned.
        threshold: Chosen by submission; a pixel is salt above it.
        min_area: Chosen by submission; smaller masks are emptied, px.
        images: Labelled images measured.
        data_hash: Hash of the data.
        config_hash: Hash of the settings that determine the networks.
        synthetic: Whether the images were generated.
        epoch_by_fold: Whether a network's epoch was chosen by the fold that scores it, which raises the score slightly.
        level: Confidence level of the intervals.
        resamples: Number of bootstrap resamples.
        seed: Their seed.
    """

    encoders: tuple[Result, ...]
    ensemble: Result
    classification: Classification
    score_cross_fitted: float
    weights: dict[str, float]
    threshold: float
    min_area: int
    images: int
    data_hash: str
    config_hash: str
    synthetic: bool
    epoch_by_fold: bool
    level: float
    resamples: int
    seed: int


def without_constant(maps: Maps, labelled: Labelled) -> Maps:
    """Empties the maps of images of one grey level, as submission does."""
    return Maps(without_salt(maps.maps_BHW, one_grey_level(labelled.images_BHW)), maps.salt_B)


def measure(name: str, maps: Maps, labelled: Labelled, choice: ChoiceFile, seed: int) -> Result:
    """Scores one encoder's, or the ensemble's, out-of-fold maps.

    Args:
        name: Encoder, or `ensemble`.
        maps: Its maps; those of images of one grey level are already empty.
        labelled: The truth.
        choice: Threshold and smallest area.
        seed: Seed of the intervals.
    """
    half_B = score_images(maps.maps_BHW, labelled.masks_BHW)
    chosen_B = score_images(maps.maps_BHW, labelled.masks_BHW, choice.threshold, choice.min_area)
    right_B = (maps.salt_B > 0.5) == labelled.masks_BHW.any(axis=(1, 2))
    folds = []
    for fold in np.unique(labelled.fold_B):
        rows = labelled.fold_B == fold
        means = [float(values_B[rows].mean()) for values_B in (half_B, chosen_B, right_B)]
        folds.append(Fold(int(fold), int(rows.sum()), *means))
    return Result(
        name=name,
        images=len(labelled.ids),
        score_at_half=float(half_B.mean()),
        score_at_half_interval=interval(half_B, seed),
        score=float(chosen_B.mean()),
        score_interval=interval(chosen_B, seed),
        salt_accuracy=float(right_B.mean()),
        folds=tuple(folds),
    )


def classify(ensemble: Maps, labelled: Labelled, choice: ChoiceFile) -> Classification:
    """Compares the predicted class of each image, salt or no salt, with the true one."""
    masks_BHW = to_masks(ensemble.maps_BHW, choice.threshold, choice.min_area)
    truth_B, found_B = (np.asarray(of_BHW.any(axis=(1, 2))) for of_BHW in (labelled.masks_BHW, masks_BHW))
    return Classification(
        by_classifier=confusion(truth_B, ensemble.salt_B > 0.5),
        by_mask=confusion(truth_B, found_B),
        roc=roc_curve(truth_B, ensemble.salt_B),
    )


def compute_results(
    encoders: dict[str, Maps], ensemble: Maps, labelled: Labelled, choice: ChoiceFile, config: Config
) -> Results:
    """Scores every encoder and the ensemble."""
    return Results(
        encoders=tuple(measure(name, maps, labelled, choice, config.seed) for name, maps in encoders.items()),
        ensemble=measure("ensemble", ensemble, labelled, choice, config.seed),
        classification=classify(ensemble, labelled, choice),
        score_cross_fitted=choice.score_cross_fitted,
        weights=choice.weights,
        threshold=choice.threshold,
        min_area=choice.min_area,
        images=len(labelled.ids),
        data_hash=labelled.data_hash,
        config_hash=config.hash,
        synthetic=labelled.synthetic,
        epoch_by_fold=config.train.keep == "best",
        level=LEVEL,
        resamples=RESAMPLES,
        seed=config.seed,
    )


def scalars(results: Results) -> dict[str, float]:
    """The results as flat metrics: the ensemble's by their plain names, an encoder's under `<encoder>/`."""
    low, high = results.ensemble.score_interval
    values = {
        "score": results.ensemble.score,
        "score_low": low,
        "score_high": high,
        "score_at_half": results.ensemble.score_at_half,
        "score_cross_fitted": results.score_cross_fitted,
        "salt_accuracy": results.ensemble.salt_accuracy,
        "threshold": results.threshold,
        "min_area": float(results.min_area),
    }
    for encoder in results.encoders:
        for key in ("score", "score_at_half", "salt_accuracy"):
            values[f"{encoder.name}/{key}"] = getattr(encoder, key)
    return values
