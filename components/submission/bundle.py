"""Writes the bundle: the trained models, and the threshold and smallest area chosen on their maps."""

from pathlib import Path

from salt_pipeline.components.core.bundle import write_bundle
from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.jobs import Job, by_job
from salt_pipeline.components.core.labelled import check_facts
from salt_pipeline.components.core.model_document import read_sidecar
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.submission.inputs import ImageIndex
from salt_pipeline.components.submission.model_card import render_card

SCORES = ("score", "score_low", "score_high", "score_cross_fitted", "score_at_half", "salt_accuracy")


def find_models(models: list[str], config: Config, data_hash: str) -> dict[Job, str]:
    """Finds the model of each job.

    Args:
        models: Their folders, in any order.
        config: Names the encoders and the number of folds.
        data_hash: Hash of the data that they must be trained on.

    Raises:
        SaltError: If a job is missing, duplicate or unknown, or a model is of other data or another configuration.
    """
    sidecars = {model: read_sidecar(Path(model, "model.json"))[1] for model in models}
    for model, sidecar in sidecars.items():
        check_facts(model, sidecar, {"data_hash": data_hash, "config_hash": config.hash})
    files = ((model, str(sidecar.get("encoder")), str(sidecar.get("fold"))) for model, sidecar in sidecars.items())
    return by_job(files, "model", config)


def bundle_ensemble(folder: str, models: dict[Job, str], config: Config, choice: dict, index: ImageIndex) -> Bundle:
    """Writes the bundle.

    Args:
        folder: The folder to write.
        models: What `find_models` found.
        config: The configuration.
        choice: The content of choice.json.
        index: The training images.

    Raises:
        SaltError: If a model is damaged, or the bundle cannot be written.
    """
    first, _ = read_sidecar(Path(next(iter(models.values())), "model.json"))
    model = config.model.model_dump(mode="json", include={"input_size", "fit", "input_mean", "input_std"})
    facts = {
        "threshold": choice["threshold"],
        "min_area": choice["min_area"],
        "flip_tta": config.predict.flip_tta,
        "batch_size": config.predict.batch_size,
        "amp": config.predict.amp,
        "preprocessing": {"side": SIDE, "levels": "grey, uint8", **model},
        "config_hash": config.hash,
        "data_hash": choice["data_hash"],
        "scores": {name: choice[name] for name in SCORES},
        "versions": first.versions,
        "synthetic": index.synthetic,
        "training_ranges": index.training_ranges,
        "training_levels": index.training_levels,
    }
    weights = choice["weights"]
    card = render_card(config, facts["scores"], {**facts, "images": choice["images"], "weights": weights})
    map_weights = {encoder: weight / config.split.folds for encoder, weight in weights.items()}
    return write_bundle(folder, models, map_weights, card, facts)
