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
    config: Input[Artifact],
    run: str,
    origin: dict,
    kfp_run: str,
    results: Output[Artifact],
    model_card: Output[Markdown],
    report_html: Output[HTML],
    report_metrics: Output[Metrics],
    classification: Output[ClassificationMetrics],
) -> None:
    """Scores the out-of-fold maps of every fold, encoder and the ensemble; records and registers in MLflow."""
    from components.core.errors import exit_on_error
    from components.core.storage import read_json
    from components.report.outputs import describe_outputs
    from components.report.record import record
    from components.report.register import register
    from components.report.stage import report as run_report
    from components.report.times import task_seconds

    with exit_on_error():
        settings, learned = read_json(config.path), [item.path for item in curves]
        seconds = task_seconds(
            ingest=[dataset], fold_split=[folds], train_fold=curves, ensemble=[blended_oof], submission=[choice]
        )
        values = run_report(
            dataset.path, folds.path, [item.path for item in oofs], learned, blended_oof.path, choice.path, settings,
            results=results.path, card=model_card.path, page=report_html.path, seconds=seconds, run=run,
        )  # fmt: skip
        files = {"metrics.json": results.path, "report.md": model_card.path, "report.html": report_html.path}
        files["oof.parquet"] = blended_oof.path
        facts = record(run, settings, learned, values, files, {**origin, "kfp_run": kfp_run})
        facts |= register(run, bundle.path)
        describe_outputs(
            results=results, card=model_card, page=report_html, metrics=report_metrics,
            classification=classification, values=values, facts=facts,
        )  # fmt: skip
