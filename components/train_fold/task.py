"""The task of the stage: maps KFP's artifacts to plain files, calls the stage, and describes the results."""

import json

from kfp.dsl import Artifact, Metrics

from salt_pipeline.components.core.artifacts import describe, log_metrics
from salt_pipeline.components.core.config.with_options import with_options
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.components.train_fold.stage import train


@exit_on_error()
def train_task(
    dataset: Artifact,
    folds: Artifact,
    config: Artifact,
    encoder: str,
    fold: int,
    run: str,
    checkpoints: str,
    model: Artifact,
    oof: Artifact,
    curve: Artifact,
    fold_metrics: Metrics,
    changes: str = "{}",
) -> None:
    """Trains one job.

    Args:
        dataset: The images.
        folds: The fold of each labelled image.
        config: The configuration document.
        encoder: Name of the encoder.
        fold: The fold to hold out, from 0.
        run: Name of the pipeline run, which is its parent run in MLflow.
        checkpoints: Where checkpoints are kept between attempts.
        model: Output: weights and sidecar.
        oof: Output: probability maps of the held-out images.
        curve: Output: learning curve, JSON.
        fold_metrics: Output: scalars.
        changes: The options in which the job differs from the configuration document, as JSON; those of a sweep do.
    """
    scalars, facts = train(
        dataset.path,
        folds.path,
        encoder,
        fold,
        with_options(read_json(config.path), json.loads(changes)),
        run=run,
        checkpoints=checkpoints,
        model=model.path,
        oof=oof.path,
        curve=curve.path,
    )
    job, title = {"encoder": encoder, "fold": str(fold)}, job_title(encoder, fold)
    describe(model, f"{title} model", config_hash=facts["config_hash"], **job)
    describe(oof, f"{title} oof", **job)
    describe(curve, f"{title} curve", **job)
    describe(fold_metrics, f"{title} scores", **facts)
    log_metrics(fold_metrics, scalars)
