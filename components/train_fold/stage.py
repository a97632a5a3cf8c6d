"""Trains one encoder on all folds but one, and predicts that one."""

import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.cpu_time import CpuTime
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import content_hash, write_json
from salt_pipeline.components.core.job_files import JobKey
from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.components.core.labelled import read_folds, read_labelled
from salt_pipeline.components.core.schemas import MAPS, array_to_pixels, pixels_to_array, write_table
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.components.core.tracking.run import TrackedRun
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.components.network.device import device_name, peak_memory, pick_device
from salt_pipeline.components.network.maps import predict_maps
from salt_pipeline.components.network.model_file import save_model
from salt_pipeline.components.network.summary import summarise
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.checkpoint_folder import FolderPlace
from salt_pipeline.components.train_fold.curve import draw_curve
from salt_pipeline.components.train_fold.progress_document import HELD_OUT
from salt_pipeline.components.train_fold.reporter import Reporter
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer, measure
from salt_pipeline.components.train_fold.training_code import library_versions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoldData:
    """The labelled images as one fold sees them.

    Attributes:
        training: The images of the other folds.
        held_out: The fold's own images.
        ids: Their ids, sorted.
        data_hash: Hash of the dataset.
    """

    training: Images
    held_out: Images
    ids: NDArray[np.str_]
    data_hash: str


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
    """Trains one job of the pipeline; it resumes from its checkpoint if one exists.

    Args:
        dataset: The Dataset Parquet file.
        folds: The folds Parquet file.
        encoder: One of the configuration's encoders.
        fold: The fold to hold out, from 0.
        config: The configuration document.
        run: Name of the pipeline run, the parent in MLflow; empty records nothing.
        checkpoints: Folder, or s3:// prefix, under which each job keeps its checkpoint.
        model: Folder to write model.safetensors and model.json to.
        oof: File to write the out-of-fold maps to.
        curve: JSON file to write the learning curve to.

    Returns:
        Scalars of the job, and strings that describe its artifacts.

    Raises:
        SaltError: If an input is wrong, the configuration has no such job, or training fails.
    """
    cpu_time = CpuTime()
    settings = parse_config(config)
    _check_job(settings, encoder, fold)
    data = _load(dataset, folds, fold, settings.split.folds, pick_device())
    key = JobKey(settings.hash, data.data_hash, encoder, fold)
    job = key._asdict()
    facts = {key: str(value) for key, value in job.items()}
    tracking = Tracking(run)
    tracked = tracking.job(encoder, fold)
    tracked.params({**facts, **settings.flat()})
    tracked.watch_machine()
    try:
        with (
            _job_place(checkpoints, key) as place,
            Reporter(place.progress, job, settings.train.epochs, tracked.epochs) as reporter,
        ):

            def on_step(progress: Progress, fraction: float) -> None:
                reporter(progress, fraction)
                place.after_step(progress, fraction)

            trainer = Trainer(
                settings,
                encoder,
                data.training,
                data.held_out,
                job={**job, HELD_OUT: content_hash(data.ids.tolist())},
                checkpoint=place.checkpoint,
                origin=place.origin,
                cpu_time=cpu_time,
                on_step=on_step,
            )
            place.after_start(trainer.progress)
            weights = trainer.run()
        with cpu_time.spent_on("prediction"):
            metrics = _write_maps(oof, trainer, data, settings, facts)
        history = trainer.progress.history
        metrics |= {"epochs": len(history), "training_seconds": sum(epoch["seconds"] for epoch in history)}
        document = settings.model_dump(mode="json")
        save_model(model, weights, settings.model, {**job, "config": document, "score": metrics["score"]})
        ended = time.time()
        _write_curve(curve, trainer, key, metrics, ended)
    except BaseException:
        tracked.end("FAILED")
        tracking.close()
        raise
    log.info("%s: %.4f out of fold", job_title(encoder, fold), metrics["score"])
    _record(tracked, metrics, ended, history, f"{short_name(encoder)}, fold {fold}", model)
    return metrics, {**facts, "mlflow_run_id": tracked.id or "", "cpu_parts": cpu_time.fact()}


def _write_maps(oof: str, trainer: Trainer, data: FoldData, config: Config, facts: dict[str, str]) -> dict[str, float]:
    """Predicts the held-out images, writes their maps, and scores them."""
    image_BHW, mask_BHW = data.held_out.image_BHW, data.held_out.mask_BHW.cpu().numpy()
    maps_BHW, salt_B = predict_maps(trainer.model, image_BHW, config, flip_tta=config.predict.flip_tta)
    columns = {"id": data.ids, "map": pixels_to_array(maps_BHW), "salt": salt_B}
    write_table(oof, MAPS, columns, {"kind": "oof", **facts})
    return measure(maps_BHW, salt_B, mask_BHW)


def _write_curve(curve: str, trainer: Trainer, key: JobKey, metrics: dict[str, float], ended: float) -> None:
    """Writes the values that a job records in MLflow, and more, so that the report can record them later."""
    history = trainer.progress.history
    facts: dict[str, Any] = {
        "device": device_name(trainer.device),
        "seconds": sum(epoch["seconds"] for epoch in history),
        "ended": ended,
        "oof_score": metrics["score"],
        "oof_salt_accuracy": metrics["salt_accuracy"],
        "best_epoch": trainer.progress.best_epoch,
        "versions": library_versions(),
        "architecture": summarise(trainer.model, key.encoder),
        "images_per_second": sum(epoch["images_per_second"] for epoch in history) / len(history),
    }
    if (peak := peak_memory(trainer.device)) is not None:
        facts["peak_memory_bytes"] = peak
    write_json(curve, {**key._asdict(), **facts, "epochs": history})


def _record(
    tracked: TrackedRun,
    metrics: dict[str, float],
    ended: float,
    history: list[dict[str, float]],
    title: str,
    model: str,
) -> None:
    """Records scores, curve and model in MLflow."""
    tracked.metrics({f"oof_{name}": metrics[name] for name in ("score", "salt_accuracy")}, seconds=ended)
    with tempfile.TemporaryDirectory() as scratch:
        draw_curve(history, title, Path(scratch, "curve.png"))
        tracked.file(Path(scratch, "curve.png"))
        for name in ("model.safetensors", "model.json"):
            tracked.file(Path(model, name), "model")
        tracked.end()
        tracked.tracking.close()


def _job_place(checkpoints: str, key: JobKey) -> FolderPlace:
    folder = key.folder(checkpoints)
    if is_uri(checkpoints):
        from salt_pipeline.components.train_fold.checkpoint_store import StorePlace

        return StorePlace(folder)
    return FolderPlace(Path(folder))


def _check_job(config: Config, encoder: str, fold: int) -> None:
    names = [e.name for e in config.encoders]
    if encoder not in names:
        raise SaltError("is not in the configuration", field="encoder", found=encoder, expected=" or ".join(names))
    if not 0 <= fold < config.split.folds:
        raise SaltError(
            "is not in the configuration", field="fold", found=fold, expected=f"0 to {config.split.folds - 1}"
        )


def _load(dataset: str, folds: str, fold: int, count: int, device: torch.device) -> FoldData:
    labelled, facts = read_labelled(dataset, ["id", "image", "mask"])
    data_hash = facts.get("data_hash", "")
    ids = np.array(labelled["id"].to_pylist())
    out = read_folds(folds, ids.tolist(), {"data_hash": data_hash, "folds": str(count)}) == fold
    if not 0 < out.sum() < len(ids) - 1:
        raise SaltError(
            "needs an image to score and two to train on",
            file=folds,
            field=f"fold {fold}",
            found=f"{out.sum()} of {len(ids)} held out",
        )
    image_BHW, mask_BHW = array_to_pixels(labelled["image"]), array_to_pixels(labelled["mask"])

    def images(chosen: NDArray[np.bool_]) -> Images:
        return Images(*(torch.from_numpy(pixels[chosen]).to(device) for pixels in (image_BHW, mask_BHW)))

    return FoldData(images(~out), images(out), ids[out], data_hash)
