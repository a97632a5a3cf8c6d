import pytest
from pydantic import ValidationError

from salt_pipeline.components.report.architecture import Architecture
from tests.components.report.conftest import made_network


def test_a_network_with_other_parts_is_refused() -> None:
    network = made_network("tiny")
    network["layers"].pop(2)
    with pytest.raises(ValidationError, match="4 parts of kind encoder, expected 5"):
        Architecture.model_validate(network)
