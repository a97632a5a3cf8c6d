"""The model card of each kind of initial weights and data."""

from typing import Any

import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.submission.model_card import render_card

SCORES = dict.fromkeys(
    ("score", "score_low", "score_high", "score_cross_fitted", "score_at_half", "salt_accuracy"), 0.5
)


def card(encoder: str = "resnet18", synthetic: bool = False, **changes: Any) -> str:
    config = parse_config({"encoders": [{"name": encoder, "weight": 1}], **changes})
    facts = {
        "synthetic": synthetic,
        "weights": {encoder: 1.0},
        "versions": {},
        "images": 4000,
        "data_hash": "da7a",
        "config_hash": config.hash,
        "threshold": 0.5,
        "min_area": 30,
    }
    return render_card(config, SCORES, facts)


@pytest.mark.parametrize(
    ("encoder", "source", "licence"),
    [
        ("resnet18", "none", "random initialisation; no licence applies"),
        ("tu-tf_efficientnet_lite1", "imagenet", "EfficientNet-Lite, Apache-2.0"),
        ("resnet18", "imagenet", "from the encoder's hub: read its licence"),
    ],
)
def test_the_licence_of_the_initial_weights_is_named(encoder: str, source: str, licence: str) -> None:
    assert licence in card(encoder, model={"encoder_weights": source})


def test_a_model_of_synthetic_images_carries_a_warning() -> None:
    assert "**Trained on synthetic images.**" in card(synthetic=True)
    assert "synthetic" not in card()
