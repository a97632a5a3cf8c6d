"""The pictures of the report, as PNG bytes."""

from dataclasses import dataclass
from io import BytesIO
from itertools import cycle, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

from components.core.jobs import Job
from components.core.metric import CUTS
from components.report.inputs import Curve

BLUE, ORANGE = (86, 180, 233), (230, 159, 0)
"""Truth and prediction in the pictures. All colours are Okabe and Ito's, told apart by colour-blind readers."""

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

_STYLES = ["-", "--", ":", "-."]
_GAP = 4
_TINT = 0.35


@dataclass(frozen=True)
class Theme:
    """Colours of a chart on a light or a dark page."""

    ink: str
    paper: str
    grid: str
    lines: tuple[str, ...]


LIGHT = Theme("#1d2327", "#ffffff", "#d9dee3", ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"))
DARK = Theme("#e4e8ec", "#1b2026", "#3a424b", ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00"))


def learning_curves(curves: dict[Job, Curve], theme: Theme) -> bytes:
    """Score on the held-out fold by epoch: one axis an encoder, one line a fold, the phase switch marked."""
    encoders = list(dict.fromkeys(encoder for encoder, _ in curves))
    columns = min(len(encoders), 2)
    rows = -(-len(encoders) // columns)
    figure = _figure(4.9 * columns, 3.5 * rows, theme)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax in axes.flat[len(encoders) :]:
        ax.set_visible(False)
    for ax, encoder in zip(axes.flat, encoders, strict=False):
        jobs = [curve for (name, _), curve in curves.items() if name == encoder]
        lines = cycle(product(_STYLES, theme.lines))
        for curve, (style, colour) in zip(jobs, lines, strict=False):
            epochs = [point.epoch for point in curve.epochs]
            scores = [point.score for point in curve.epochs]
            ax.plot(epochs, scores, style, color=colour, linewidth=1.3, label=f"fold {curve.fold}")
            best = next((point for point in curve.epochs if point.epoch == curve.best_epoch), None)
            if best:
                ax.plot(best.epoch, best.score, "o", color=colour, markersize=4.5)
        _mark_phase(ax, jobs[0], theme)
        _dress(ax, theme, title=encoder, x="epoch", y="score on the held-out fold" if ax in axes[:, 0] else "")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(fontsize=8, labelcolor=theme.ink, frameon=False, loc="lower right", ncols=1 + len(jobs) // 6)
    return _png(figure)


def _mark_phase(ax: Axes, curve: Curve, theme: Theme) -> None:
    switch = next((point.epoch for point in curve.epochs if point.phase == 2), None)
    if switch is None or switch == curve.epochs[0].epoch:
        return
    ax.axvline(switch - 0.5, color=theme.ink, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.annotate(
        "phase 2",
        (switch - 0.5, 1),
        xytext=(4, -4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=theme.ink,
    )


def threshold_curve(scores: dict[str, NDArray[np.float64]], threshold: float, theme: Theme) -> bytes:
    """Score by threshold.

    Args:
        scores: By name, mean scores (255,) at every cut; the last is drawn as the ensemble.
        threshold: The chosen one, marked.
        theme: Light or dark.
    """
    figure = _figure(9.8, 3.6, theme)
    ax = figure.subplots()
    thresholds = (np.arange(CUTS) + 0.5) / 255  # the middle of the thresholds that give the cut
    *encoders, (name, values) = scores.items()
    for (encoder, curve), (style, colour) in zip(encoders, cycle(product(_STYLES[1:], theme.lines)), strict=False):
        ax.plot(thresholds, curve, label=encoder, color=colour, linewidth=1.3, linestyle=style)
    ax.plot(thresholds, values, label=name, color=theme.ink, linewidth=2)
    ax.axvline(threshold, color=theme.lines[5], linewidth=1.2, linestyle=":", label=f"chosen, {threshold:.3f}")
    ax.set_xlim(0, 1)
    _dress(ax, theme, title="", x="threshold on the probability of salt", y="out-of-fold score")
    ax.legend(fontsize=8, labelcolor=theme.ink, frameon=False, loc="best")
    return _png(figure)


def strip(image_HW: NDArray[np.uint8], truth_HW: NDArray[np.bool_], salt_HW: NDArray[np.bool_]) -> bytes:
    """One image three times: as it is, with the true mask, with the predicted mask and the true outline."""
    plain = np.repeat(image_HW[:, :, None], 3, axis=2)
    panels = [
        plain,
        _outlined(_tinted(plain, truth_HW, BLUE), truth_HW, BLUE),
        _outlined(_outlined(_tinted(plain, salt_HW, ORANGE), salt_HW, ORANGE), truth_HW, BLUE),
    ]
    height, width = image_HW.shape
    picture = np.zeros((height, 3 * width + 2 * _GAP, 4), dtype=np.uint8)
    for index, panel in enumerate(panels):
        start = index * (width + _GAP)
        picture[:, start : start + width, :3] = panel
        picture[:, start : start + width, 3] = 255
    file = BytesIO()
    imsave(file, picture, format="png")
    return file.getvalue()


def _tinted(
    image_HWC: NDArray[np.uint8], mask_HW: NDArray[np.bool_], colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    mixed = (1 - _TINT) * image_HWC + _TINT * np.array(colour)
    return np.where(mask_HW[:, :, None], mixed, image_HWC).astype(np.uint8)


def _outlined(image_HWC: Pixels, mask_HW: NDArray[np.bool_], colour: Colour) -> Pixels:
    """Colours the mask's pixels that have a neighbour outside the mask."""
    wide = np.pad(mask_HW, 1, mode="edge")
    inside = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return np.where((mask_HW & ~inside)[:, :, None], np.array(colour, dtype=np.uint8), image_HWC)


def _figure(width: float, height: float, theme: Theme) -> Figure:
    figure = Figure(figsize=(width, height), dpi=160, layout="constrained", facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def _dress(ax: Axes, theme: Theme, *, title: str, x: str, y: str) -> None:
    ax.set_facecolor(theme.paper)
    ax.set_title(title, fontsize=10, color=theme.ink, parse_math=False)
    ax.set_xlabel(x, fontsize=9, color=theme.ink)
    ax.set_ylabel(y, fontsize=9, color=theme.ink)
    ax.tick_params(labelsize=8, colors=theme.ink)
    ax.grid(color=theme.grid, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["bottom", "left"]].set_color(theme.grid)


def _png(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
