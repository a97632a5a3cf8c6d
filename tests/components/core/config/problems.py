"""The problems of an invalid configuration, one line each."""

import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltErrors


def problems(document: object) -> list[str]:
    with pytest.raises(SaltErrors) as caught:
        parse_config(document, "my.json")
    assert str(caught.value).startswith("my.json is not valid\n")
    return [str(problem) for problem in caught.value.problems]
