"""The KFP component of the stage."""

from typing import List  # noqa: UP035 - KFP knows a list of artifacts by this name

from kfp import dsl
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Input, Markdown, Metrics, Model, Output

from components.core.images import image


@dsl.component(base_image=image("report"), install_kfp_package=False)
def report(
    dataset: Input[Dataset],
    folds: Input[Dataset],
    oofs: Input[List[Dataset]],  # noqa: UP006
    curves: Input[List[Artifact]],  # noqa: UP006
    blended_oof: Input[Dataset],
    choice: Input[Artifact],
    bundle: Input[Model],
    config: dict,
    run: str,
    origin: dict,
    kfp_run: str,
    results: Output[Artifact],
    card: Output[Markdown],
    page: Output[HTML],
    metrics: Output[Metrics],
    classification: Output[ClassificationMetrics],
) -> None:
    """Scores the out-of-fold maps of every fold, encoder and the ensemble; writes numbers, card and page.

    Args:
        dataset: All images.
        folds: The fold of each labelled image.
        oofs: Each job's out-of-fold maps.
        curves: Each job's learning curve.
        blended_oof: The ensemble's out-of-fold maps.
        choice: Threshold and smallest area.
        bundle: The trained ensemble, which goes to MLflow's registry.
        config: The configuration.
        run: MLflow run of the whole pipeline run.
        origin: Where the run comes from: tags of the MLflow run.
        kfp_run: Id of the run in Kubeflow Pipelines; empty elsewhere.
        results: Every number, JSON.
        card: The table of scores.
        page: The whole report.
        metrics: The main scores.
        classification: How the ensemble's classifiers tell images with salt from those without.
    """
    from components.core.errors import exit_on_error
    from components.report.outputs import describe_outputs
    from components.report.record import record
    from components.report.register import register
    from components.report.stage import report as run_report
    from components.report.times import task_seconds

    with exit_on_error():
        seconds = task_seconds(
            ingest=[dataset], fold_split=[folds], train_fold=curves, ensemble=[blended_oof], submission=[choice]
        )
        values = run_report(
            dataset.path, folds.path, [item.path for item in oofs], [item.path for item in curves], blended_oof.path,
            choice.path, config, results=results.path, card=card.path, page=page.path, seconds=seconds, run=run,
        )  # fmt: skip
        files = {"metrics.json": results.path, "report.md": card.path, "report.html": page.path}
        files["oof.parquet"] = blended_oof.path
        whence = {**origin, "kfp_run": kfp_run}
        facts = record(run, config, [item.path for item in curves], values, files, whence)
        facts |= register(run, bundle.path)
        describe_outputs(
            results=results, card=card, page=page, metrics=metrics, classification=classification,
            values=values, facts=facts,
        )  # fmt: skip
