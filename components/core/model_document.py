"""The sidecar of a trained model: what model.json says of the weights beside it."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from salt_pipeline.components.core.config.config import MAX_FOLDS, EncoderName, ModelConfig
from salt_pipeline.components.core.config.section import problems_of
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json

VERSION = 1

ENTRIES = {"encoder", "fold", "config_hash", "data_hash", "architecture", "sha256"}
"""Entries that every sidecar must hold."""


class Sidecar(BaseModel):
    """What must hold of a sidecar before anything is built from it; further entries are not looked at.

    Attributes:
        encoder: Name of the encoder.
        fold: The fold that the network never saw.
        config_hash: Hash of the options that determine the network.
        data_hash: Hash of the training data.
        architecture: The network's part of the configuration, within its bounds.
        sha256: Digest of the weights.
        versions: Versions of the packages that trained it.
    """

    encoder: EncoderName
    fold: int = Field(ge=0, lt=MAX_FOLDS, strict=True)
    config_hash: str
    data_hash: str
    architecture: ModelConfig
    sha256: str
    versions: dict[str, str] = Field(default_factory=dict)


def read_sidecar(path: Path) -> tuple[Sidecar, dict[str, Any]]:
    """Reads and checks a sidecar.

    Returns:
        What must hold of it, and all its entries.

    Raises:
        SaltError: If it is missing, is of another version, or naming the first entry that is missing or wrong.
    """
    facts = read_json(path)
    version = facts.get("version") if isinstance(facts, dict) else None
    if type(version) is not int or version != VERSION:  # `true` equals 1
        raise SaltError("wrong version", file=path, found=version, expected=VERSION)
    if missing := ENTRIES - facts.keys():
        raise SaltError("entries are missing", file=path, found=", ".join(sorted(missing)))
    try:
        found = Sidecar.model_validate(facts)
    except ValidationError as error:
        raise problems_of(error, path)[0] from None
    # A default in place of what a network was trained with would give other maps.
    if missing := ModelConfig.model_fields.keys() - found.architecture.model_fields_set:
        raise SaltError("entries are missing", file=path, field="architecture", found=", ".join(sorted(missing)))
    return found, facts
