"""The report as a Markdown card and as one HTML page."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from components.core.bootstrap import Interval
from components.core.jobs import Job
from components.report.figures import DARK, LIGHT, Theme, learning_curves, threshold_curve
from components.report.inputs import Curve
from components.report.picks import Group
from components.report.results import Result, Results

_TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Chart:
    """A chart drawn twice, for light and for dark pages, as PNG."""

    light: bytes
    dark: bytes

    @classmethod
    def draw(cls, paint: Callable[[Theme], bytes]) -> "Chart":
        """Draws it in both themes."""
        return cls(paint(LIGHT), paint(DARK))


def render_card(results: Results) -> str:
    """The table of scores as Markdown."""
    rows: list[Sequence[str]] = [
        ["model", "images", "score at 0.5", "score as chosen", "95% interval", "salt / no salt"],
        ["---", "--:", "--:", "--:", ":-:", "--:"],
    ]
    for result in [*results.encoders, results.ensemble]:
        name = _plain(result.name)
        rows.append([f"**{cell}**" for cell in _pooled(result, name)])
        for fold in result.folds:
            numbers = [f"{value:.4f}" for value in (fold.score_at_half, fold.score)]
            rows.append([f"{name}, fold {fold.fold}", str(fold.images), *numbers, "", f"{fold.salt_accuracy:.1%}"])
    warning = "**Synthetic images: these scores say nothing about real data.**\n\n" if results.synthetic else ""
    flattery = " Each network keeps its best epoch on its own held-out fold, which flatters a little."
    flattery = flattery if results.epoch_by_fold else ""
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"# Out-of-fold scores\n\n{warning}"
        f"Measured on {results.images:,} labelled images, each by networks that never saw it, with the exact metric "
        f"on 101 x 101 (data {_plain(results.data_hash)}, configuration {results.config_hash}).\n\n{table}\n\n"
        f"As chosen: threshold {results.threshold:.3f}, smallest area {results.min_area} px. "
        f"Chosen on the other folds (cross-fitted), the ensemble scores {results.score_cross_fitted:.4f}. "
        f"The first row of each model pools its folds: a mean over images.{flattery}\n"
    )


def _pooled(result: Result, name: str) -> list[str]:
    low, high = result.score_interval
    scores = [f"{result.score_at_half:.4f}", f"{result.score:.4f}"]
    return [name, f"{result.images}", *scores, f"{low:.4f} to {high:.4f}", f"{result.salt_accuracy:.1%}"]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"&#{ord(letter)};" if letter in "\\`*[]|<>&" else letter for letter in text)


def render_page(results: Results, curves: dict[Job, Curve], by_cut: dict[str, NDArray], groups: list[Group]) -> str:
    """The whole report as one HTML file that needs no other."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"png": _data_uri, "span": _span, "duration": _duration}
    return environment.get_template(_TEMPLATE).render(
        results=results,
        models=[*results.encoders, results.ensemble],
        curves=curves,
        devices=sorted({curve.device for curve in curves.values()}),
        learning=Chart.draw(lambda theme: learning_curves(curves, theme)),
        thresholds=Chart.draw(lambda theme: threshold_curve(by_cut, results.threshold, theme)),
        groups=groups,
    )


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _span(interval: Interval) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
