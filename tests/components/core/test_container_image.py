from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.config.cluster import ClusterConfig
from salt_pipeline.components.core.container_image import image

STAGES = sorted(path.parent.name for path in Path(__file__).parents[3].glob("components/*/component.py"))


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_an_image_of_its_own(stage: Any) -> None:
    assert image(stage) == f"salt-pipeline/{stage.replace('_', '-')}:{version('salt-pipeline')}"


def test_registry_and_tag_come_from_the_configuration() -> None:
    cluster = ClusterConfig(registry="reg.example:5000/team", tag="1.2.0")
    assert image("train_fold", cluster) == "reg.example:5000/team/train-fold:1.2.0"
