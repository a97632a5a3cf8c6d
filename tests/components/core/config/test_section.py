"""What all sections have in common."""

import pytest

from salt_pipeline.components.core.config.config import parse_config
from tests.components.core.config.problems import problems


def test_an_unknown_section_is_named() -> None:
    assert problems({"trian": {}}) == ["trian: Extra inputs are not permitted (found {})"]


def test_a_misspelt_option_is_named_with_its_section() -> None:
    assert problems({"train": {"epoch": 3}}) == ["train.epoch: Extra inputs are not permitted (found 3)"]


def test_a_configuration_is_immutable() -> None:
    config = parse_config({})
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 1  # type: ignore[misc]
