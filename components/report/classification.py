"""Salt or no salt by image: confusion matrix and ROC curve, for the page and for Kubeflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.report.charts import BLUE, GRID, INK, dress, new_figure, to_svg

CATEGORIES = ("no salt", "salt")

POINTS = 100
"""Largest number of points of a ROC curve: one point per image would enlarge the page without showing more."""

Matrix = tuple[tuple[int, int], tuple[int, int]]
"""Images by truth (row) and prediction (column), each in the order of `CATEGORIES`."""


@dataclass(frozen=True)
class Roc:
    """The classifier's ROC curve over the images.

    Attributes:
        fpr: False positive rate: fraction of the images without salt that are classified as salt, at each threshold.
        tpr: True positive rate: the same fraction of the images with salt.
        threshold: An image is classified as salt if its probability is strictly above it; decreasing from 1 to 0.
        auc: Area under the curve, before points are dropped: the probability that an image with salt ranks above one
            without, where ties count half.
    """

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    threshold: tuple[float, ...]
    auc: float


@dataclass(frozen=True)
class Classification:
    """How well the ensemble separates images with salt from those without.

    Attributes:
        by_classifier: Confusion matrix by the mean probability of its classifiers, at 0.5.
        by_mask: Confusion matrix by whether its final mask holds any pixel.
        roc: ROC curve of the classifiers; None if all images are of one class.
    """

    by_classifier: Matrix
    by_mask: Matrix
    roc: Roc | None


def confusion(truth_B: NDArray[np.bool_], predicted_B: NDArray[np.bool_]) -> Matrix:
    """Counts images by truth and prediction."""
    (a, b), (c, d) = np.bincount(2 * truth_B + predicted_B, minlength=4).reshape(2, 2).tolist()
    return (a, b), (c, d)


def roc_curve(truth_B: NDArray[np.bool_], salt_B: NDArray[np.floating]) -> Roc | None:
    """Computes the curve; None if all images are of one class, so that one of the rates is undefined."""
    if truth_B.all() or not truth_B.any():
        return None
    levels, place_B = np.unique(salt_B.astype(np.float64), return_inverse=True)
    with_salt = np.bincount(place_B[truth_B], minlength=len(levels))[::-1].cumsum()
    without = np.bincount(place_B[~truth_B], minlength=len(levels))[::-1].cumsum()
    tpr, fpr = np.append(0, with_salt / with_salt[-1]), np.append(0, without / without[-1])
    # The threshold that just includes a level is the next lower level; for the lowest level it is 0.
    threshold = np.append(1, np.append(levels[-2::-1], 0))
    kept = np.unique(np.linspace(0, len(tpr) - 1, POINTS).round().astype(int))
    points = [tuple(values[kept].tolist()) for values in (fpr, tpr, threshold)]
    return Roc(points[0], points[1], points[2], float(np.trapezoid(tpr, fpr)))


def log_classification(artifact: Any, found: Mapping[str, Any]) -> None:
    """Logs confusion matrix and ROC curve on a KFP `ClassificationMetrics`, and writes them as JSON to its path.

    Args:
        artifact: The output artifact.
        found: A `Classification`, as the results' JSON has it.
    """
    artifact.log_confusion_matrix(list(CATEGORIES), found["by_classifier"])
    if curve := found["roc"]:
        artifact.log_roc_curve(curve["fpr"], curve["tpr"], curve["threshold"])
    write_json(artifact.path, found)


def roc_chart(roc: Roc, by_classifier: Matrix) -> Markup:
    """Draws the curve and marks the point of threshold 0.5."""
    figure = new_figure(4.7, 3.7)
    ax = figure.subplots()
    (right_none, wrong_none), (wrong_salt, right_salt) = by_classifier
    at_half = wrong_none / (right_none + wrong_none), right_salt / (wrong_salt + right_salt)
    ax.plot([0, 1], [0, 1], color=GRID, linewidth=1.2, linestyle="--")
    ax.plot(roc.fpr, roc.tpr, color=BLUE, linewidth=2)
    ax.plot(*at_half, "o", color=INK, markersize=6)
    ax.annotate("at 0.5", at_half, xytext=(8, -12), textcoords="offset points", fontsize=9, color=INK)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    dress(ax, "false positive rate, images without salt", "true positive rate, images with salt")
    alt = (
        f"ROC curve, area {roc.auc:.3f}. At probability 0.5, {at_half[1]:.0%} of the images with salt are found and "
        f"{at_half[0]:.0%} of those without are classified as salt."
    )
    return to_svg(figure, "roc", alt)
