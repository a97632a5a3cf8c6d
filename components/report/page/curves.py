"""Learning curves: score and loss by epoch, one chart per encoder, one line per fold."""

from itertools import cycle, product

from markupsafe import Markup
from matplotlib.axes import Axes

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.report.charts import INK, LINES, STYLES, dress, legend, new_figure, to_svg
from salt_pipeline.components.report.inputs import Curve


def learning_curves(curves: dict[Job, Curve]) -> dict[str, Markup]:
    """Draws every job's score on its held-out fold and its training loss.

    Args:
        curves: Learning curves by encoder and fold.

    Returns:
        A chart for each encoder, all on the same scales.
    """
    encoders: dict[str, list[Curve]] = {}
    for (encoder, _), curve in curves.items():
        encoders.setdefault(encoder, []).append(curve)
    scores = [point.score for curve in curves.values() for point in curve.epochs]
    room = 0.05 * (max(scores) - min(scores)) or 0.05
    limits = min(scores) - 3 * room, max(scores) + room  # leaves room for a label below the curves
    return {name: _chart(f"curve{index}", jobs, limits) for index, (name, jobs) in enumerate(encoders.items())}


def _chart(name: str, jobs: list[Curve], limits: tuple[float, float]) -> Markup:
    figure = new_figure(4.7, 4.3)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.4])
    for curve, (style, colour) in zip(jobs, cycle(product(STYLES, LINES)), strict=False):
        epochs = [point.epoch for point in curve.epochs]
        look = {"linestyle": style, "color": colour, "linewidth": 1.4, "marker": "." if len(epochs) < 12 else ""}
        top.plot(epochs, [point.score for point in curve.epochs], label=f"fold {curve.fold}", **look)
        best = next((point for point in curve.epochs if point.epoch == curve.best_epoch), None)
        if best:
            top.plot(best.epoch, best.score, "o", color=colour, markersize=5.5)
        bottom.plot(epochs, [point.loss for point in curve.epochs], **look)
    dress(top, "", "score on the held-out fold")
    dress(bottom, "epoch", "training loss")
    top.set_ylim(*limits)
    bottom.xaxis.get_major_locator().set_params(integer=True)
    _mark_switch([top, bottom], jobs[0])
    legend(figure, top)
    last = ", ".join(f"fold {curve.fold} best {max(p.score for p in curve.epochs):.3f}" for curve in jobs)
    return to_svg(figure, name, f"Score on the held-out fold by epoch, encoder {jobs[0].encoder}: {last}.")


def _mark_switch(axes: list[Axes], curve: Curve) -> None:
    """Marks the epoch at which the loss changes."""
    switch = next((point.epoch for point in curve.epochs if point.phase == 2), None)
    if switch is None or switch == curve.epochs[0].epoch:
        return
    for ax in axes:
        ax.axvline(switch - 0.5, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes[0].annotate(
        "Lovász loss from here",
        (switch - 0.5, 0.02),
        xytext=(4, 2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=9,
        color=INK,
    )
