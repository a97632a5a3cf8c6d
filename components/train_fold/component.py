"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from components.core.images import image


@dsl.component(base_image=image("train_fold"), install_kfp_package=False)
def train_fold(
    dataset: Input[Dataset],
    folds: Input[Dataset],
    encoder: str,
    fold: int,
    config: dict,
    run: str,
    checkpoints: str,
    model: Output[Model],
    oof: Output[Dataset],
    curve: Output[Artifact],
    metrics: Output[Metrics],
) -> None:
    """Trains one encoder on all folds but one and predicts the images of that one.

    Args:
        dataset: The archive as Parquet.
        folds: The fold of each labelled image.
        encoder: Name of the encoder.
        fold: The fold to hold out.
        config: The configuration document.
        run: Name of the pipeline run, which is its parent run in MLflow.
        checkpoints: Where checkpoints are kept between attempts.
        model: Weights and sidecar.
        oof: Probability maps of the held-out images.
        curve: Learning curve, JSON.
        metrics: Scalars.
    """
    from components.core.errors import exit_on_error
    from components.core.lineage import describe, log_metrics
    from components.train_fold.stage import train

    with exit_on_error():
        scalars, facts = train(
            dataset.path, folds.path, encoder, fold, config, run=run, checkpoints=checkpoints,
            model=model.path, oof=oof.path, curve=curve.path,
        )  # fmt: skip
        place = f"train_fold/{encoder}/fold{fold}"
        describe(model, f"{place}/model", **facts)
        describe(oof, f"{place}/oof.parquet", **facts)
        describe(curve, f"{place}/curve.json", **facts)
        describe(metrics, f"{place}/metrics.json", **facts)
        log_metrics(metrics, scalars)
