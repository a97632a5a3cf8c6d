"""What a task of the stage does: from KFP's artifacts to plain files, through the stage, and back."""

from kfp.dsl import HTML, Artifact, ClassificationMetrics, Markdown, Metrics

from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.kfp_outputs import describe_outputs
from salt_pipeline.components.report.mlflow_record import record
from salt_pipeline.components.report.register import register
from salt_pipeline.components.report.stage import report
from salt_pipeline.components.report.times import task_seconds


@exit_on_error()
def report_task(
    dataset: Artifact,
    folds: Artifact,
    oofs: list[Artifact],
    curves: list[Artifact],
    blended_oof: Artifact,
    choice: Artifact,
    bundle: Artifact,
    config: Artifact,
    run: str,
    origin: dict[str, str],
    kfp_run: str,
    results: Artifact,
    model_card: Markdown,
    report_html: HTML,
    report_metrics: Metrics,
    classification: ClassificationMetrics,
) -> None:
    """Scores the out-of-fold maps, writes numbers, card and page, records the run and registers its bundle in MLflow.

    Args:
        dataset: The images.
        folds: The fold of each labelled image.
        oofs: Each job's out-of-fold maps.
        curves: Each job's learning curve.
        blended_oof: The ensemble's out-of-fold maps.
        choice: Threshold and smallest area.
        bundle: The trained ensemble, which goes to MLflow's registry.
        config: The configuration document.
        run: Name of the pipeline run in MLflow.
        origin: Where the run comes from: tags of the MLflow run.
        kfp_run: Id of the run in Kubeflow Pipelines; empty elsewhere.
        results: Output: every number, JSON.
        model_card: Output: the table of scores.
        report_html: Output: the whole report.
        report_metrics: Output: the main scores.
        classification: Output: how the ensemble's classifiers tell images with salt from those without.
    """
    settings, learned = read_json(config.path), [item.path for item in curves]
    seconds = task_seconds(
        ingest=[dataset], fold_split=[folds], train_fold=curves, ensemble=[blended_oof], submission=[choice]
    )
    values = report(
        dataset.path,
        folds.path,
        [item.path for item in oofs],
        learned,
        blended_oof.path,
        choice.path,
        settings,
        results=results.path,
        card=model_card.path,
        page=report_html.path,
        seconds=seconds,
        run=run,
    )
    files = {"metrics.json": results.path, "report.md": model_card.path, "report.html": report_html.path}
    files["oof.parquet"] = blended_oof.path
    facts = record(run, settings, learned, values, files, {**origin, "kfp_run": kfp_run})
    facts |= register(run, bundle.path)
    describe_outputs(
        results=results,
        card=model_card,
        page=report_html,
        metrics=report_metrics,
        classification=classification,
        values=values,
        facts=facts,
    )
