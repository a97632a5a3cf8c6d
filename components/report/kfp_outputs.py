"""What the report's artifacts say of themselves in Kubeflow."""

from collections.abc import Mapping
from typing import Any

from salt_pipeline.components.core.artifacts import describe, log_metrics
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.classification import log_classification


def describe_outputs(
    *,
    results: Any,
    card: Any,
    page: Any,
    metrics: Any,
    classification: Any,
    values: dict[str, float],
    facts: Mapping[str, str],
) -> None:
    """Names the report's output artifacts, puts the main numbers on each, and logs metrics, confusion and ROC.

    Args:
        results: Output of the numbers, JSON, written already.
        card: Output of the table.
        page: Output of the page.
        metrics: Output of the scalars.
        classification: Output of confusion and ROC.
        values: The scalars.
        facts: Further strings for all of them.
    """
    found = read_json(results.path)
    strings = {**facts, **main_facts(found)}
    describe(results, "report numbers", **strings)
    describe(card, "model card", **strings)
    describe(page, "report", **strings)
    describe(metrics, "report scores", **facts)  # a table of scalars, which are logged below
    describe(classification, "salt or no salt", **strings)
    log_metrics(metrics, values)
    log_classification(classification, found["classification"])


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
