"""A training's learning curve, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from salt_pipeline.components.core.files import write_errors


def draw_curve(history: Sequence[Mapping[str, float]], title: str, path: Path) -> None:
    """Draws loss and metric by epoch to a PNG.

    Args:
        history: One dictionary per epoch, as training writes it.
        title: The picture's heading.
        path: Where the PNG goes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.subplots()
    right = left.twinx()
    epochs = [e["epoch"] for e in history]
    left.plot(epochs, [e["loss"] for e in history], color="#D55E00", label="training loss")
    right.plot(epochs, [e["score"] for e in history], color="#0072B2", label="metric on the held-out fold")
    switch = next((e["epoch"] for e in history if e["phase"] == 2), None)
    if switch is not None and switch > epochs[0]:
        left.axvline(switch - 0.5, color="grey", linestyle=":", label="Lovász from here")
    left.set(xlabel="epoch", ylabel="loss", title=title)
    right.set(ylabel="competition metric", ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=3)
    with write_errors(path):
        figure.savefig(path, dpi=100)
