"""The names of encoders that people read."""

import pytest

from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.pipelines.presets import PRESETS, preset_config


@pytest.mark.parametrize(
    ("encoder", "short"),
    [
        ("tu-tf_efficientnet_lite1", "lite1"),
        ("tu-tf_efficientnet_b4", "b4"),
        ("tu-resnet34d", "resnet34d"),
        ("se_resnext101_32x4d", "se_resnext101"),
        ("efficientnet-b0", "efficientnet-b0"),
        ("resnet18", "resnet18"),
    ],
)
def test_encoders_have_short_names(encoder: str, short: str) -> None:
    assert short_name(encoder) == short


def test_short_names_of_the_presets_are_distinct() -> None:
    encoders = {encoder.name for name in PRESETS for encoder in preset_config(name).encoders}
    assert len({short_name(encoder) for encoder in encoders}) == len(encoders)
