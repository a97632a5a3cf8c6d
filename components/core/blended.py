"""What the metadata of blended maps must say: that they are of all jobs, and with which weights."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.table_facts import read_json_fact

Weight = Annotated[float, Field(gt=0, le=1)]

_BLEND = "ensemble"
"""What the metadata of blended maps name in place of an encoder."""


def read_blend(file: str | Path, facts: Mapping[str, str], config: Config) -> dict[str, list[float]]:
    """Returns the weights of the encoders in blended maps.

    Args:
        file: The file, as messages name it.
        facts: Its metadata.
        config: Names the encoders.

    Returns:
        By encoder, its weight in each fold of learned out-of-fold maps, else one weight for all images.

    Raises:
        SaltError: If the maps are of a single job, were blended of other encoders, or the weights are not valid.
    """
    encoder = facts.get("encoder", "none")
    if encoder != _BLEND:
        raise SaltError("maps of one job, not blended", file=file, field="encoder", found=encoder, expected=_BLEND)
    if facts.get("kind") == "oof":
        expected = "a JSON object of one positive number for each fold, whose sum is 1"
        found = read_json_fact(file, facts, "weights", dict[str, list[Weight] | Weight], expected)
    else:
        expected = "a JSON object of positive numbers whose sum is 1"
        found = read_json_fact(file, facts, "weights", dict[str, Weight], expected)
    weights = {name: value if isinstance(value, list) else [value] for name, value in found.items()}
    check_encoders(file, weights, config)
    if len(set(map(len, weights.values()))) != 1 or {len(of) for of in weights.values()} - {1, config.split.folds}:
        raise SaltError("is not valid metadata", file=file, field="weights", found=facts["weights"], expected=expected)
    for of_all in zip(*weights.values(), strict=True):
        check_sum(file, of_all)
    return weights


def check_encoders(file: str | Path, weights: Mapping[str, object], config: Config) -> None:
    """Checks that weights are of the encoders of the configuration.

    Raises:
        SaltError: If an encoder is missing, or there is another one.
    """
    names = [encoder.name for encoder in config.encoders]
    if weights.keys() != set(names):
        problem, found, expected = "is of other encoders", ", ".join(weights), ", ".join(names)
        raise SaltError(problem, file=file, field="weights", found=found or "none", expected=expected)


def check_sum(file: str | Path, weights: tuple[float, ...]) -> None:
    """Checks that the weights of all encoders sum to 1.

    Raises:
        SaltError: If they do not.
    """
    if not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise SaltError("the weights do not sum to 1", file=file, field="weights", found=sum(weights), expected=1)
