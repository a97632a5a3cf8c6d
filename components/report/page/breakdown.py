"""Breakdown of the score: by coverage (the fraction of an image that is salt), by depth, and by image."""

import itertools
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from salt_pipeline.components.core.intervals import Interval, interval
from salt_pipeline.components.report.charts import BLUE, INK, ORANGE, SOFT, dress, legend, new_figure, to_svg

COVERAGE = (0.01, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Upper ends of the coverage classes of images with salt, as fractions."""

DEPTHS = 8
"""Largest number of depth classes, each of about as many images."""


@dataclass(frozen=True)
class ImageClass:
    """The images of one class."""

    name: str
    images: int
    score: float
    score_interval: Interval
    low: float = 0
    high: float = 0


def by_coverage(scores_B: NDArray[np.float64], coverage_B: NDArray[np.float64], seed: int) -> list[ImageClass]:
    """Computes scores by the fraction of true salt; classes without images are skipped."""
    names = ["no salt", "up to 1%", *(f"{a:.0%} to {b:.0%}" for a, b in itertools.pairwise(COVERAGE))]
    class_B = np.where(coverage_B == 0, 0, 1 + np.searchsorted(COVERAGE, coverage_B))
    found = [(name, scores_B[class_B == index]) for index, name in enumerate(names)]
    return [_part(name, scores, seed) for name, scores in found if len(scores)]


def by_depth(scores_B: NDArray[np.float64], depth_B: NDArray[np.float64], seed: int) -> list[ImageClass]:
    """Computes scores by depth, ft, over the images whose depth is known."""
    known_B = np.isfinite(depth_B)
    depths, scores = depth_B[known_B], scores_B[known_B]
    if not len(depths):
        return []
    edges = np.unique(np.quantile(depths, np.linspace(0, 1, DEPTHS + 1), method="nearest"))
    class_B = np.clip(np.searchsorted(edges, depths, side="left") - 1, 0, None)
    parts = []
    for index in np.unique(class_B):
        own = class_B == index
        low, high = float(depths[own].min()), float(depths[own].max())
        parts.append(_part(f"{low:.0f} to {high:.0f} ft", scores[own], seed, low, high))
    return parts


def _part(name: str, scores: NDArray[np.float64], seed: int, low: float = 0, high: float = 0) -> ImageClass:
    return ImageClass(name, len(scores), float(scores.mean()), interval(scores, seed), low, high)


def coverage_chart(parts: list[ImageClass]) -> Markup:
    """Draws the score of each coverage class, with intervals."""
    figure = new_figure()
    ax = figure.subplots()
    places = np.arange(len(parts))
    ax.barh(places, [part.score for part in parts], color=BLUE, height=0.62)
    for place, part in zip(places, parts, strict=True):
        ax.plot(part.score_interval, [place, place], color=INK, linewidth=1.6)
        ax.text(1.02, float(place), f"{part.score:.2f}", va="center", fontsize=9.5, color=INK, clip_on=False)
    ax.set_yticks(places, [f"{part.name}\n{part.images:,} images" for part in parts])
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    dress(ax, "mean score", "")
    ax.grid(axis="y", visible=False)
    return to_svg(figure, "coverage", f"Score by coverage: {_as_text(parts)}.")


def depth_chart(parts: list[ImageClass]) -> Markup:
    """Draws the score of each depth class, from its smallest to its largest depth, with intervals."""
    figure = new_figure()
    ax = figure.subplots()
    for part in parts:
        middle = (part.low + part.high) / 2
        ax.plot([part.low, part.high], [part.score] * 2, color=BLUE, linewidth=2.4, solid_capstyle="butt")
        ax.plot([middle, middle], part.score_interval, color=INK, linewidth=1.4)
        ax.plot(middle, part.score, "o", color=BLUE, markersize=5)
    dress(ax, "depth of the tile, ft", "mean score")
    return to_svg(figure, "depth", f"Score by depth: {_as_text(parts)}.")


def distribution_chart(scores_B: NDArray[np.float64], truth_B: NDArray[np.bool_]) -> Markup:
    """Draws how many images have each of the eleven scores, those with salt and those without side by side."""
    figure = new_figure()
    ax = figure.subplots()
    tenths_B = np.rint(10 * scores_B).astype(int)
    salt, none = (np.bincount(tenths_B[rows], minlength=11) for rows in (truth_B, ~truth_B))
    places = np.arange(11)
    ax.bar(places - 0.2, salt, 0.38, color=BLUE, label="images with salt")
    ax.bar(places + 0.2, none, 0.38, color=ORANGE, label="images without salt")
    ax.set_xticks(places, [f"{tenth / 10:.1f}" for tenth in places])
    dress(ax, "score of an image", "images")
    ax.tick_params(axis="x", colors=SOFT)
    ax.grid(axis="x", visible=False)
    legend(figure, ax)
    alt = f"Images by score: {salt[10] + none[10]:,} score 1, {salt[0] + none[0]:,} score 0, of {len(scores_B):,}."
    return to_svg(figure, "distribution", alt)


def _as_text(parts: list[ImageClass]) -> str:
    return "; ".join(f"{part.name} {part.score:.2f} ({part.images:,} images)" for part in parts)
