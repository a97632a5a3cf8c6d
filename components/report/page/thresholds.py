"""Score against threshold and smallest area: how much hangs on the choice of the two."""

from itertools import cycle

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from salt_pipeline.components.core.metric import CUTS, Overlap, score
from salt_pipeline.components.report.charts import GRID, INK, LINES, RED, SOFT, dress, legend, new_figure, to_svg

STEPS = 64
"""Smallest areas of the table, beside 0."""

THRESHOLDS = (np.arange(CUTS) + 0.5) / 255
"""The middle of the thresholds that give each cut."""


def table_areas(min_area: int) -> NDArray[np.int64]:
    """Smallest areas to look at, px: 0 to 512, or further where the chosen one lies there."""
    return np.linspace(0, max(512, min_area * 5 // 4), STEPS + 1).round().astype(np.int64)


def score_table(counts: Overlap, areas_A: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean score (A, 255) for each smallest area and cut."""
    found_BT = score(counts.intersection_BT, counts.area_BT, counts.truth_B[:, None]).astype(np.float32)
    empty_B1 = (counts.truth_B == 0).astype(np.float32)[:, None]
    return np.stack([np.where(counts.area_BT >= area, found_BT, empty_B1).mean(axis=0) for area in areas_A])


def threshold_chart(by_cut: dict[str, NDArray[np.float64]], threshold: float) -> Markup:
    """Draws the score by threshold.

    Args:
        by_cut: By name, mean scores (255,) at every cut; the last is drawn as the ensemble.
        threshold: The chosen one.
    """
    figure = new_figure()
    ax = figure.subplots()
    *encoders, (name, values) = by_cut.items()
    for (encoder, curve), colour, style in zip(encoders, cycle(LINES), cycle(("--", "-.")), strict=False):
        ax.plot(THRESHOLDS, curve, label=encoder, color=colour, linewidth=1.5, linestyle=style)
    ax.plot(THRESHOLDS, values, label=name, color=INK, linewidth=2)
    ax.axvline(threshold, color=RED, linewidth=1.3, linestyle=":", label=f"chosen: {threshold:.3f}")
    ax.set_xlim(0, 1)
    dress(ax, "threshold on the probability of salt", "out-of-fold score")
    legend(figure, ax, columns=2)
    best = int(values.argmax())
    alt = f"Score against threshold: the ensemble peaks at {values[best]:.3f} near {THRESHOLDS[best]:.3f}."
    return to_svg(figure, "threshold", alt)


def area_chart(table_AT: NDArray[np.float64], areas_A: NDArray[np.int64], threshold: float, min_area: int) -> Markup:
    """Draws the score over threshold and smallest area, with the chosen pair."""
    figure = new_figure()
    ax = figure.subplots()
    low, high = np.quantile(table_AT, 0.3), table_AT.max()
    half = (areas_A[1] - areas_A[0]) / 2
    extent = (0, 1, areas_A[0] - half, areas_A[-1] + half)
    drawn = ax.imshow(
        table_AT,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="cividis",
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    ax.plot(threshold, min_area, "o", color="white", markersize=9, markeredgecolor="black", clip_on=False, zorder=5)
    ax.plot(threshold, min_area, ".", color="black", markersize=4, clip_on=False, zorder=6)
    dress(ax, "threshold on the probability of salt", "smallest area, px")
    ax.grid(visible=False)
    ax.set_ylim(areas_A[0] - half, areas_A[-1] + half)
    bar = figure.colorbar(drawn, ax=ax, extend="min", pad=0.02)
    bar.set_label("out-of-fold score of the ensemble", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=9, colors=SOFT)
    bar.outline.set_edgecolor(GRID)
    alt = (
        f"Score over threshold and smallest area; the chosen pair, {threshold:.3f} and {min_area} px, is marked. "
        f"The best of the table is {high:.3f}."
    )
    return to_svg(figure, "area", alt)
