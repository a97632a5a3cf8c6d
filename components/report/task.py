"""What a task of the stage does: it writes the report, records the run, registers the model and may promote it."""

from dataclasses import dataclass

from kfp.dsl import Artifact

from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.challenge import Challenge
from salt_pipeline.components.report.kfp_outputs import Outputs, describe_outputs
from salt_pipeline.components.report.mlflow_record import record
from salt_pipeline.components.report.register import register
from salt_pipeline.components.report.stage import report
from salt_pipeline.components.report.times import task_seconds

__all__ = ["Inputs", "Outputs", "report_task"]  # the component imports from this module alone


@dataclass(frozen=True)
class Inputs:
    """The input artifacts of the task.

    Attributes:
        dataset: The images.
        folds: The fold of each labelled image.
        oofs: The out-of-fold maps of each job.
        curves: The learning curve of each job.
        blended_oof: The out-of-fold maps of the ensemble.
        choice: Threshold and smallest area.
        bundle: The trained ensemble.
        config: The configuration document.
    """

    dataset: Artifact
    folds: Artifact
    oofs: list[Artifact]
    curves: list[Artifact]
    blended_oof: Artifact
    choice: Artifact
    bundle: Artifact
    config: Artifact


@exit_on_error()
def report_task(
    inputs: Inputs, outputs: Outputs, run: str, origin: dict[str, str], kfp_run: str, promote: bool
) -> None:
    """Writes the report, then publishes the run: its scores in MLflow, its model in the registry, both in Kubeflow.

    Args:
        inputs: The input artifacts.
        outputs: The output artifacts, which are written.
        run: Name of the pipeline run in MLflow.
        origin: Where the run comes from: tags of the MLflow run.
        kfp_run: Id of the run in Kubeflow Pipelines; empty elsewhere.
        promote: Make the registered model the champion if it is better than the present one.
    """
    challenge = _challenge(inputs, outputs, run) if promote else None
    values = _report(inputs, outputs, run, challenge)
    facts = _record(inputs, outputs, values, run, {**origin, "kfp_run": kfp_run})
    facts |= register(run, inputs.bundle.path)
    if challenge:
        challenge.apply()
    describe_outputs(outputs, values, facts)


def _challenge(inputs: Inputs, outputs: Outputs, run: str) -> Challenge:
    paths = inputs.config.path, inputs.dataset.path, outputs.results.path, inputs.blended_oof.path
    return Challenge(run, *paths)


def _report(inputs: Inputs, outputs: Outputs, run: str, challenge: Challenge | None) -> dict[str, float]:
    """Writes numbers, card and page; returns the main scores."""
    seconds = task_seconds(
        ingest=[inputs.dataset],
        fold_split=[inputs.folds],
        train_fold=inputs.curves,
        ensemble=[inputs.blended_oof],
        submission=[inputs.choice],
    )
    return report(
        inputs.dataset.path,
        inputs.folds.path,
        [item.path for item in inputs.oofs],
        [item.path for item in inputs.curves],
        inputs.blended_oof.path,
        inputs.choice.path,
        read_json(inputs.config.path),
        results=outputs.results.path,
        card=outputs.card.path,
        page=outputs.page.path,
        seconds=seconds,
        run=run,
        promotion=challenge.decide if challenge else None,
    )


def _record(
    inputs: Inputs, outputs: Outputs, values: dict[str, float], run: str, origin: dict[str, str]
) -> dict[str, str]:
    """Records the run in MLflow; returns its id there, as a string to describe artifacts by."""
    files = {
        "metrics.json": outputs.results.path,
        "report.md": outputs.card.path,
        "report.html": outputs.page.path,
        "oof.parquet": inputs.blended_oof.path,
    }
    return record(run, read_json(inputs.config.path), [item.path for item in inputs.curves], values, files, origin)
