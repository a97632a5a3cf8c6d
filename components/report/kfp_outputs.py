"""The output artifacts of the report, and their metadata in Kubeflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kfp.dsl import HTML, Artifact, ClassificationMetrics, Markdown, Metrics

from salt_pipeline.components.core.artifacts import describe, log_metrics
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.classification import log_classification


@dataclass(frozen=True)
class Outputs:
    """The output artifacts of the report.

    Attributes:
        results: All numbers, JSON.
        card: The table of scores, Markdown.
        page: The complete report, HTML.
        metrics: The main scores as scalars.
        classification: How the classifiers of the ensemble separate images with salt from those without.
    """

    results: Artifact
    card: Markdown
    page: HTML
    metrics: Metrics
    classification: ClassificationMetrics


def describe_outputs(outputs: Outputs, values: dict[str, float], facts: Mapping[str, str]) -> None:
    """Names the output artifacts, puts the main numbers on each, and logs metrics, confusion matrix and ROC curve.

    Args:
        outputs: The artifacts; the results are written already.
        values: The scalars.
        facts: Further strings for all of them.
    """
    found = read_json(outputs.results.path)
    strings = {**facts, **main_facts(found)}
    describe(outputs.results, "report numbers", **strings)
    describe(outputs.card, "model card", **strings)
    describe(outputs.page, "report", **strings)
    describe(outputs.metrics, "report scores", **facts)  # a table of scalars, which are logged below
    describe(outputs.classification, "salt or no salt", **strings)
    log_metrics(outputs.metrics, values)
    log_classification(outputs.classification, found["classification"])


def main_facts(results: Mapping[str, Any]) -> dict[str, str]:
    """The main numbers as strings, of the results' JSON: Kubeflow would turn numbers into floats."""
    low, high = results["ensemble"]["score_interval"]
    return {
        "score": f"{results['ensemble']['score']:.4f}",
        "score_interval": f"{low:.4f} to {high:.4f}",
        "threshold": f"{results['threshold']:.3f}",
        "min_area": f"{results['min_area']} px",
        "images": str(results["images"]),
        "data_hash": results["data_hash"],
        "config_hash": results["config_hash"],
        "synthetic": str(results["synthetic"]).lower(),
    }
