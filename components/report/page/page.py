"""The report as a Markdown card and as one HTML page."""

import json
import platform
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.intervals import Interval
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.metric import overlap
from salt_pipeline.components.report.classification import roc_chart
from salt_pipeline.components.report.dataset_facts import DatasetFacts
from salt_pipeline.components.report.inputs import Curve, Labelled, Maps
from salt_pipeline.components.report.page import breakdown, thresholds
from salt_pipeline.components.report.page.architecture import Drawing, draw
from salt_pipeline.components.report.page.curves import learning_curves
from salt_pipeline.components.report.page.gallery import Masked, false_alarms, pick_images
from salt_pipeline.components.report.results import Result, Results
from salt_pipeline.components.report.times import StageTime

LIBRARIES = ("numpy", "pyarrow", "matplotlib", "kfp")
"""Libraries whose versions on this machine the page lists."""

_TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Shown:
    """The content of the page.

    Attributes:
        run: Name of the pipeline run, or empty.
        results: The numbers.
        labelled: The images.
        dataset: Facts of the data.
        encoders: Each encoder's out-of-fold maps; those of images of one grey level are already empty.
        ensemble: The same of the blend.
        masked: The ensemble's masks as submitted, and their scores.
        curves: Each job's learning curve.
        stages: Duration of each stage.
        config: The configuration.
        promotion: Whether the model was made the champion, and why; empty if the pipeline did not decide it.
    """

    run: str
    results: Results
    labelled: Labelled
    dataset: DatasetFacts
    encoders: dict[str, Maps]
    ensemble: Maps
    masked: Masked
    curves: dict[Job, Curve]
    stages: list[StageTime]
    config: Config
    promotion: str = ""


def render_card(results: Results, promotion: str = "") -> str:
    """Renders the table of scores as Markdown.

    Args:
        results: The numbers.
        promotion: Whether the model was made the champion, and why; empty if the pipeline did not decide it.
    """
    rows: list[Sequence[str]] = [
        ["model", "images", "score at 0.5", "score as chosen", "95% interval", "salt / no salt"],
        ["---", "--:", "--:", "--:", ":-:", "--:"],
    ]
    for result in [*results.encoders, results.ensemble]:
        name = _plain(short_name(result.name))
        rows.append([f"**{cell}**" for cell in _pooled(result, name)])
        for fold in result.folds:
            numbers = [f"{value:.4f}" for value in (fold.score_at_half, fold.score)]
            rows.append([f"{name}, fold {fold.fold}", str(fold.images), *numbers, "", f"{fold.salt_accuracy:.1%}"])
    warning = "**Synthetic images: these scores say nothing about real data.**\n\n" if results.synthetic else ""
    bias = " Each network keeps its best epoch on its own held-out fold, which raises its score slightly."
    bias = bias if results.epoch_by_fold else ""
    weights = "".join(
        f", weight of {_plain(short_name(name))} {weight:.2f}" for name, weight in results.weights.items()
    )
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"# Out-of-fold scores\n\n{warning}"
        f"Measured on {results.images:,} labelled images, each by networks that never saw it, with the exact metric "
        f"on 101 x 101 (data {_plain(results.data_hash)}, configuration {results.config_hash}).\n\n{table}\n\n"
        f"As chosen: threshold {results.threshold:.3f}, smallest area {results.min_area} px{weights}. "
        f"Chosen on the other folds (cross-fitted), the ensemble scores {results.score_cross_fitted:.4f}. "
        f"The first row of each model pools its folds: a mean over images.{bias}\n"
    ) + (f"\n**Promotion**: {_plain(promotion)}\n" if promotion else "")


def _pooled(result: Result, name: str) -> list[str]:
    low, high = result.score_interval
    scores = [f"{result.score_at_half:.4f}", f"{result.score:.4f}"]
    return [name, f"{result.images}", *scores, f"{low:.4f} to {high:.4f}", f"{result.salt_accuracy:.1%}"]


def _plain(text: str) -> str:
    """Escapes Markdown's special characters."""
    return "".join(f"&#{ord(letter)};" if letter in "\\`*[]|<>&" else letter for letter in text)


def render_page(shown: Shown) -> str:
    """Renders the report as one HTML file without external resources."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"png": _data_uri, "span": _span, "duration": _duration, "size": _size, "short": short_name}
    results = shown.results
    return environment.get_template(_TEMPLATE).render(
        shown=shown,
        results=results,
        dataset=shown.dataset,
        models=[*results.encoders, results.ensemble],
        curves=shown.curves,
        devices=sorted({curve.device for curve in shown.curves.values()}),
        learning=learning_curves(shown.curves),
        networks=_networks(shown.curves),
        groups=pick_images(shown.masked, shown.labelled, results.seed),
        alarms=false_alarms(shown.masked, shown.labelled),
        options={name: _option(value) for name, value in shown.config.flat().items()},
        versions=_versions(shown.curves),
        **_threshold_charts(shown),
        **_breakdown_charts(shown),
    )


def _threshold_charts(shown: Shown) -> dict[str, Any]:
    results, masks_BHW = shown.results, shown.labelled.masks_BHW
    maps = [*shown.encoders.items(), ("ensemble", shown.ensemble)]
    counts = {short_name(name): overlap(of.maps_BHW, masks_BHW) for name, of in maps}
    min_area = np.array([results.min_area])
    by_cut = {name: thresholds.score_table(of, min_area)[0] for name, of in counts.items()}
    areas_A = thresholds.table_areas(results.min_area)
    table_AT = thresholds.score_table(counts["ensemble"], areas_A)
    return {
        "threshold_chart": thresholds.threshold_chart(by_cut, results.threshold),
        "area_chart": thresholds.area_chart(table_AT, areas_A, results.threshold, results.min_area),
        "roc_chart": roc_chart(found.roc, found.by_classifier) if (found := results.classification).roc else None,
    }


def _breakdown_charts(shown: Shown) -> dict[str, Any]:
    scores_B, truth_BHW, seed = shown.masked.scores_B, shown.masked.truth_BHW, shown.results.seed
    depths = breakdown.by_depth(scores_B, shown.labelled.depth_B, seed)
    coverage_B = truth_BHW.mean(axis=(1, 2))
    return {
        "coverage_chart": breakdown.coverage_chart(breakdown.by_coverage(scores_B, coverage_B, seed)),
        "depth_chart": breakdown.depth_chart(depths) if depths else None,
        "distribution_chart": breakdown.distribution_chart(scores_B, coverage_B > 0),
    }


def _networks(curves: dict[Job, Curve]) -> list[Drawing]:
    """One drawing per encoder."""
    networks = {encoder: curve.architecture for (encoder, _), curve in curves.items()}
    return list(map(draw, networks.values()))


def _versions(curves: dict[Job, Curve]) -> dict[str, str]:
    """Versions of the libraries: those the networks were trained with, and those of this stage."""
    trained: dict[str, set[str]] = {}
    for curve in curves.values():
        for name, number in curve.versions.items():
            trained.setdefault(name, set()).add(number)
    training = {f"{name}, in training": " and ".join(sorted(numbers)) for name, numbers in trained.items()}
    return (
        training
        | {"Python, in this report": platform.python_version()}
        | {f"{name}, in this report": version(name) for name in LIBRARIES}
    )


def _option(value: Any) -> str:
    """An option's value as the configuration document has it, texts without their quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _span(interval: Interval) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
