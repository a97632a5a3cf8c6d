"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from salt_pipeline.components.core.container_image import image


@dsl.component(base_image=image("train_fold"), install_kfp_package=False)
def train_fold(
    dataset: Input[Dataset],
    folds: Input[Dataset],
    config: Input[Artifact],
    encoder: str,
    fold: int,
    run: str,
    checkpoints: str,
    model: Output[Model],
    oof: Output[Dataset],
    curve: Output[Artifact],
    fold_metrics: Output[Metrics],
    changes: str = "{}",
) -> None:
    """Trains one encoder on all folds but one and predicts the images of that one."""
    from salt_pipeline.components.train_fold.task import train_task

    train_task(dataset, folds, config, encoder, fold, run, checkpoints, model, oof, curve, fold_metrics, changes)
