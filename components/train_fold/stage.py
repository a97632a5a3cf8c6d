"""Trains one encoder on all folds but one, and predicts that one."""

import logging
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.config import Config, parse_config
from components.core.errors import SaltError
from components.core.metric import score_images
from components.core.schemas import DATASET, FOLDS, MAPS, array_to_pixels, pixels_to_array, read_table, write_table
from components.core.storage import write_json
from components.core.tracking import Tracking
from components.network.device import pick_device
from components.network.maps import predict_maps
from components.network.model_file import save_model
from components.train_fold.curve import draw_curve
from components.train_fold.reporter import Reporter
from components.train_fold.trainer import Images, Trainer

log = logging.getLogger(__name__)


def train(
    dataset: str,
    folds: str,
    encoder: str,
    fold: int,
    config: dict,
    *,
    run: str,
    checkpoints: str,
    model: str,
    oof: str,
    curve: str,
) -> tuple[dict[str, float], dict[str, str]]:
    """Trains one job of the pipeline, going on from its checkpoint where there is one.

    Args:
        dataset: The Dataset Parquet file.
        folds: The folds Parquet file.
        encoder: One of the configuration's encoders.
        fold: The fold to hold out, from 0.
        config: The configuration document.
        run: Name of the pipeline run, the parent in MLflow; empty records nothing.
        checkpoints: Folder under which each job keeps its checkpoint.
        model: Folder to write model.safetensors and model.json to.
        oof: File to write the out-of-fold maps to.
        curve: JSON file to write the learning curve to.

    Returns:
        Scalars of the job, and strings that describe its artifacts.

    Raises:
        SaltError: If an input is wrong or no job of the configuration, or training fails.
    """
    settings = parse_config(config)
    _check_job(settings, encoder, fold)
    images, ids, held_out, data_hash = _load(dataset, folds, fold)
    job: dict[str, str | int] = {
        "config_hash": settings.hash, "data_hash": data_hash, "encoder": encoder, "fold": fold,
    }  # fmt: skip
    facts = {key: str(value) for key, value in job.items()}
    place = job_folder(checkpoints, settings, data_hash, encoder, fold)
    device = pick_device()
    kept = Images(*(x_BHW[torch.from_numpy(~held_out)].to(device) for x_BHW in images))
    scored = Images(*(x_BHW[torch.from_numpy(held_out)].to(device) for x_BHW in images))
    tracking = Tracking(run)
    tracked = tracking.job(encoder, fold)
    tracked.params({**facts, **settings.flat()})

    started = time.monotonic()
    with Reporter(place / "progress.json", job, settings.train.epochs, tracked.epochs) as reporter:
        trainer = Trainer(
            settings, encoder, kept, scored, job=job, checkpoint=place / "checkpoint.safetensors", on_step=reporter
        )
        try:
            weights = trainer.run()
        except BaseException:
            tracked.end("FAILED")
            raise
    progress = trainer.progress

    maps_BHW, salt_B = predict_maps(trainer.model, scored.image_BHW, settings, flip_tta=settings.predict.flip_tta)
    mask_BHW = scored.mask_BHW.cpu().numpy()
    metrics = {
        "score": float(score_images(maps_BHW, mask_BHW).mean()),
        "salt_accuracy": float(((salt_B > 0.5) == mask_BHW.any(axis=(1, 2))).mean()),
        "epochs": progress.epoch,
        "training_seconds": sum(epoch["seconds"] for epoch in progress.history),
    }
    columns = {"id": ids[held_out], "map": pixels_to_array(maps_BHW), "salt": salt_B}
    write_table(oof, MAPS, columns, {"kind": "oof", **facts})
    sidecar = {**job, "config": settings.model_dump(mode="json"), "score": metrics["score"], "epochs": progress.epoch}
    save_model(model, weights, settings.model, sidecar)
    write_json(curve, {
        **job, "device": str(device), "seconds": metrics["training_seconds"], "best_epoch": progress.best_epoch,
        "epochs": progress.history,
    })  # fmt: skip
    log.info("%s fold %d: %.4f out of fold, %.0f s", encoder, fold, metrics["score"], time.monotonic() - started)

    tracked.metrics({"oof_score": metrics["score"], "oof_salt_accuracy": metrics["salt_accuracy"]})
    with tempfile.TemporaryDirectory() as scratch:
        draw_curve(progress.history, f"{encoder}, fold {fold}", Path(scratch, "curve.png"))
        tracked.file(Path(scratch, "curve.png"))
    tracked.file(Path(model, "model.safetensors"), "model")
    tracked.file(Path(model, "model.json"), "model")
    tracked.end()
    tracking.close()
    return metrics, {**facts, "mlflow_run_id": tracked.id or ""}


def job_folder(checkpoints: str, config: Config, data_hash: str, encoder: str, fold: int) -> Path:
    """Where a job keeps its checkpoint and its progress: nothing that changes the result shares a folder."""
    return Path(checkpoints, f"{config.hash}-{data_hash}", encoder, f"fold{fold}")


def _check_job(config: Config, encoder: str, fold: int) -> None:
    names = [e.name for e in config.encoders]
    if encoder not in names:
        raise SaltError("is not in the configuration", field="encoder", found=encoder, expected=" or ".join(names))
    if not 0 <= fold < config.split.folds:
        raise SaltError(
            "is not in the configuration", field="fold", found=fold, expected=f"0 to {config.split.folds - 1}"
        )


def _load(
    dataset: str, folds: str, fold: int
) -> tuple[tuple[torch.Tensor, torch.Tensor], NDArray[np.str_], NDArray[np.bool_], str]:
    """Reads images and masks, uint8 (B, 101, 101), their ids, which are held out, and the data's hash."""
    table, facts = read_table(dataset, DATASET)
    labelled = table.filter(table["labelled"])
    split, _ = read_table(folds, FOLDS)
    ids = np.array(labelled["id"].to_pylist())
    if split["id"].to_pylist() != ids.tolist():
        raise SaltError("its ids are not the labelled ids of the dataset", file=folds, field="id")
    arrays = (torch.from_numpy(array_to_pixels(labelled[name]).copy()) for name in ("image", "mask"))
    return tuple(arrays), ids, split["fold"].to_numpy() == fold, facts.get("data_hash", "")  # type: ignore[return-value]
