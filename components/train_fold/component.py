"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from components.core.images import image


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
) -> None:
    """Trains one encoder on all folds but one and predicts the images of that one."""
    from components.core.errors import exit_on_error
    from components.core.jobs import job_title
    from components.core.lineage import describe, log_metrics
    from components.core.storage import read_json
    from components.train_fold.stage import train

    with exit_on_error():
        scalars, facts = train(
            dataset.path, folds.path, encoder, fold, read_json(config.path), run=run, checkpoints=checkpoints,
            model=model.path, oof=oof.path, curve=curve.path,
        )  # fmt: skip
        job = {"encoder": encoder, "fold": str(fold)}
        title = job_title(**job)
        describe(model, title + " model", **facts)
        describe(oof, title + " oof", **job)
        describe(curve, title + " curve", **job)
        describe(fold_metrics, title + " scores", **facts)
        log_metrics(fold_metrics, scalars)
