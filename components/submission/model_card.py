"""The model card: what the ensemble is, what it was trained on, how good it is, and what it is not for."""

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.intervals import LEVEL


def render_card(config: Config, scores: dict[str, float], facts: dict) -> str:
    """Writes the card as Markdown.

    Args:
        config: What the networks were trained with.
        scores: The ensemble's, out of fold.
        facts: The bundle's other entries: threshold, smallest area, hashes, images, weights, versions, synthetic.
    """
    warning = (
        "\n> **Trained on synthetic images.** It shows that the pipeline works; it finds no salt in real data.\n"
        if facts["synthetic"]
        else ""
    )
    members = "\n".join(
        f"| `{name}` | {config.split.folds} | {weight:g} | {_licence(name, config)} |"
        for name, weight in facts["weights"].items()
    )
    train, model = config.train, config.model
    kept = {
        "best": "Each network's epoch was chosen by the fold that it is scored on, which raises its score slightly.",
        "last": "Each network is that of its last epoch: the fold that it is scored on influenced nothing.",
        "mean": "Each network is an average over its last steps: the fold that it is scored on influenced nothing.",
    }[train.keep]
    mirrored = "the mean over the image and its mirror image" if config.predict.flip_tta else "that of the image alone"
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items()) or "not recorded"
    return f"""# Model card: salt in seismic images
{warning}
Finds the pixels that show salt in grey-level sections of seismic images, 101 x 101 px at a time.

## Members

| encoder | networks, one per fold | weight | initial weights |
| --- | --- | --- | --- |
{members}

A map is the mean over an encoder's folds, weighted over encoders; each probability is {mirrored}.

## Data

{facts["images"]} labelled images of 101 x 101 px (data `{facts["data_hash"]}`), split into {config.split.folds} folds
by how much salt they show{"; tiles that touch share a fold" if config.split.group_touching else ""}.

## Recipe

A UNet with an input of {model.input_size} px ({"padded by reflection" if model.fit == "pad" else "resized"}), \
stem stride {model.stem_stride}; SCSE {_yes(model.scse)}, hypercolumn {_yes(model.hypercolumn)}, \
salt / no-salt gate {_yes(model.gate)}.
{train.epochs} epochs in batches of {train.batch_size}, Adam at {train.learning_rate:g} ({train.schedule}): \
{train.phase1_epochs} under dice and binary cross-entropy, the others under the Lovász hinge.
Configuration `{facts["config_hash"]}`; the sidecars in `models/` hold all of it. Packages: {versions}.

## How good it is

By the competition's metric (mean over images of the fraction of IoU thresholds 0.50, 0.55 .. 0.95 that are passed), on
images that the network had not seen in training:

| | |
| --- | --- |
| score, at the chosen threshold and smallest area | {scores["score"]:.4f} |
| its {LEVEL:.0%} bootstrap interval over images | {scores["score_low"]:.4f} to {scores["score_high"]:.4f} |
| cross-fitted: threshold and area chosen on the other folds | {scores["score_cross_fitted"]:.4f} |
| at threshold 0.5, no smallest area | {scores["score_at_half"]:.4f} |
| images correctly classified as salt or no salt | {scores["salt_accuracy"]:.1%} |

A pixel is salt above a probability of {facts["threshold"]:g}; the mask of a 101 x 101 image with fewer than
{facts["min_area"]} px is emptied. {kept}

## Limits

- Trained on tiles of one survey, scaled to 8 bits by its publisher. Another survey, another scaling of amplitudes or
  another sampling may score far lower: look at the overlays, and compare with an interpreter's picks.
- The interval is that of these images. Tiles of one survey resemble each other, so on new ground expect more spread.
- A probability is a network's output, not a calibrated chance. Depth below the surface is not used.
- Larger images are cut into overlapping tiles: context beyond 101 px is not seen, and the smallest area is not applied.
- It is no basis for a decision to drill without an expert's judgement.

## Licence

Code: Apache-2.0. Initial weights of the encoders: as in the table above. Training data: the TGS Salt Identification
Challenge's images come under the competition's rules; read these before you use or pass on weights trained on them.
"""


def _yes(used: bool) -> str:
    return "yes" if used else "no"


def _licence(encoder: str, config: Config) -> str:
    """What is known of the licence of an encoder's initial weights."""
    source = config.model.encoder_weights
    if source == "none":
        return "random initialisation; no licence applies"
    if source == "imagenet" and encoder.startswith("tu-tf_efficientnet_lite"):
        return "ImageNet, EfficientNet-Lite, Apache-2.0"
    if source == "imagenet":
        return "ImageNet, from the encoder's hub: read its licence before you redistribute them"
    return "a user's file; its licence is unknown here"
