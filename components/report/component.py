"""The KFP component of the stage."""

from typing import List  # noqa: UP035 - KFP knows a list of artifacts by this name

from kfp import dsl
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Input, Markdown, Metrics, Model, Output

from salt_pipeline.components.core.container_image import image


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
    promote: bool,
    results: Output[Artifact],
    model_card: Output[Markdown],
    report_html: Output[HTML],
    report_metrics: Output[Metrics],
    classification: Output[ClassificationMetrics],
) -> None:
    """Scores the out-of-fold maps of every fold, encoder and the ensemble; records and registers in MLflow."""
    from salt_pipeline.components.report.task import Inputs, Outputs, report_task

    report_task(
        Inputs(dataset, folds, oofs, curves, blended_oof, choice, bundle, config),
        Outputs(results, model_card, report_html, report_metrics, classification),
        run,
        origin,
        kfp_run,
        promote,
    )
