"""What bundle.json says: the trained networks of an ensemble, and what makes masks of their maps."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from salt_pipeline.components.core.config.config import MAX_FOLDS
from salt_pipeline.components.core.config.section import form
from salt_pipeline.components.core.schemas import SIDE

MAX_BATCH = 16384
"""Largest batch size; the configuration has the same bound."""

Name = Annotated[
    str,
    Field(
        pattern=form(
            r"^(models/)?[A-Za-z0-9_][A-Za-z0-9_.+-]*$", "a name of letters, digits and _.+-, if need be after models/"
        )
    ),
]
"""A file's path in the bundle: no name leads out of the folder."""

Digest = Annotated[str, Field(pattern=form(r"^[0-9a-f]{64}$", "64 hex digits"))]

Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]

Level = Annotated[int, Field(ge=0, le=255, strict=True)]

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class Part(BaseModel):
    """A part of the document; entries that this version does not know are ignored."""

    model_config = ConfigDict(frozen=True)


class Member(Part):
    """One trained network of the ensemble."""

    encoder: str = Field(description="Its encoder's name.")
    fold: int = Field(ge=0, lt=MAX_FOLDS, strict=True, description="The fold it never saw.")
    weight: float = Field(
        gt=0, le=1, strict=True, description="Weight of its map in the blend; those of all members sum to 1."
    )
    file: Name = Field(description="Its weights, safetensors.")
    sha256: Digest = Field(description="SHA-256 of the weights.")
    sidecar: Name = Field(description="Its sidecar, JSON: architecture, hashes, how it was trained.")


class File(Part):
    """One file of the bundle."""

    sha256: Digest
    bytes: int = Field(ge=0, strict=True)


class Range(Part):
    """How a statistic is spread over the training images."""

    low: Finite = Field(description="All but 0.1 % of the images have no less.")
    median: Finite
    high: Finite = Field(description="All but 0.1 % of the images have no more.")


class Bundle(Part):
    """What bundle.json says.

    Attributes:
        format: Version of the layout.
        hash: Identifies the bundle: hash of the entire document, and so of all files.
        members: The networks, those of an encoder together.
        files: Every file but bundle.json, by its path.
        threshold: A pixel is salt if its probability is strictly above it.
        min_area: The mask of a 101 x 101 image is emptied if it has fewer pixels.
        flip_tta: Whether a probability is the mean over an image and its mirror image.
        batch_size: Images of one forward pass; `auto` chooses by the device.
        amp: `auto` computes in bf16 where the device can, `off` never does.
        preprocessing: How an image is prepared for the networks; each sidecar says it for its own.
        config_hash: Hash of the settings that determine the networks.
        data_hash: Hash of the training data.
        scores: Out of fold, with the interval of the ensemble's.
        versions: Versions of the packages it was trained with.
        synthetic: Whether the training data were generated, so that the networks are useless on real data.
        training_ranges: What the networks saw: the range of each statistic of `tile_statistics`, by its name. None if
            there were too few training images, and in bundles of earlier versions.
        training_levels: The 1st and the 99th percentile of the grey levels of all training images together, which
            amplitudes are scaled to. None as `training_ranges`.
        folder: Where the bundle lies; not in the document.
    """

    format: Literal[1]
    hash: str
    members: tuple[Member, ...] = Field(min_length=1)
    files: dict[Name, File]
    threshold: Share
    min_area: int = Field(ge=0, le=SIDE * SIDE, strict=True)
    flip_tta: bool = Field(strict=True)
    batch_size: Annotated[int, Field(ge=1, le=MAX_BATCH, strict=True)] | Literal["auto"]
    amp: Literal["auto", "off"]
    preprocessing: dict[str, Any]
    config_hash: str
    data_hash: str
    scores: dict[str, Share]
    versions: dict[str, str]
    synthetic: bool = Field(strict=True)
    training_ranges: dict[str, Range] | None = None
    training_levels: tuple[Level, Level] | None = None
    folder: Path = Field(exclude=True)

    @field_validator("scores")
    @classmethod
    def _has_a_score(cls, scores: dict[str, float]) -> dict[str, float]:
        if "score" not in scores:
            raise PydanticCustomError("scores", "score is missing")
        return scores

    @field_validator("training_levels")
    @classmethod
    def _ascend(cls, levels: tuple[int, int] | None) -> tuple[int, int] | None:
        if levels is not None and levels[0] >= levels[1]:
            raise PydanticCustomError("training_levels", "the levels do not ascend")
        return levels

    @field_validator("members")
    @classmethod
    def _are_one_blend(cls, members: tuple[Member, ...]) -> tuple[Member, ...]:
        """Each job is there once, those of an encoder have the same weight, and all weights sum to 1."""
        if len({(member.encoder, member.fold) for member in members}) < len(members):
            raise PydanticCustomError("members", "a job is there twice")
        if len({(member.encoder, member.weight) for member in members}) > len({member.encoder for member in members}):
            raise PydanticCustomError("members", "the folds of an encoder differ in weight")
        if not math.isclose(total := sum(member.weight for member in members), 1, abs_tol=1e-6):
            raise PydanticCustomError("members", f"the weights sum to {total:.9g}, not to 1")
        return members

    def path(self, name: str) -> Path:
        """Where a file of the bundle lies."""
        return self.folder / name
