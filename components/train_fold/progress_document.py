"""The part of a checkpoint that is not tensors: one JSON document in the file's metadata."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from salt_pipeline.components.core.config.config import TrainConfig
from salt_pipeline.components.core.config.section import problems_of
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import parse_json

LONGEST = 1e15
"""Bound of the numbers of an epoch, as of its seconds and of its end since 1970; what the report reads."""

HELD_OUT = "held_out"
"""Entry of a checkpoint's job with a hash of the held-out images' ids; checkpoints of older versions do not have it."""

_EXACT = ConfigDict(strict=True, allow_inf_nan=False)


class Epoch(BaseModel):
    """What must hold of an entry of the history; its further entries are numbers too."""

    model_config = _EXACT | {"extra": "allow"}
    __pydantic_extra__: dict[str, float]

    epoch: int
    phase: Literal[1, 2]
    loss: float = Field(ge=-LONGEST, le=LONGEST)
    score: float = Field(ge=0, le=1)
    seconds: float = Field(ge=0, le=LONGEST)
    images_per_second: float = Field(ge=0, le=LONGEST)
    ended: float | None = Field(None, ge=0, le=LONGEST)


class ProgressDocument(BaseModel):
    """What must hold of the document; `checkpoint.Progress` describes the entries."""

    model_config = _EXACT | {"extra": "forbid"}

    job: dict[str, str | int]
    epoch: int = Field(ge=1)
    best_epoch: int = Field(ge=1)
    best_score: float
    learning_rate: float = Field(ge=0)
    stalled: int = Field(ge=0)
    history: list[Epoch]


def parse_progress(text: str, job: dict[str, str | int], train: TrainConfig) -> dict[str, Any]:
    """Parses the document and checks that a training of this configuration can have written it.

    Args:
        text: The JSON.
        job: The job that it must be of.
        train: How the job is trained.

    Returns:
        The document's entries as they stand in it.

    Raises:
        SaltError: Naming the first entry that cannot be right.
    """
    content = parse_json(text)
    try:
        document = ProgressDocument.model_validate(content)
    except ValidationError as error:
        raise problems_of(error)[0] from None
    _check(document, job, train)
    return {name: content[name] for name in ProgressDocument.model_fields}


def _check(document: ProgressDocument, job: dict[str, str | int], train: TrainConfig) -> None:
    """Compares the entries with the job, with the configuration and with each other."""
    epoch, scores = document.epoch, [row.score for row in document.history]
    found = {HELD_OUT: job.get(HELD_OUT), **document.job}
    for key in sorted(found.keys() | job.keys()):
        _demand(f"job.{key}", found.get(key), job.get(key), "checkpoint of another job")
    _bound("epoch", epoch, train.epochs)
    _demand("history", len(scores), epoch, "wrong number of epochs")
    for index, row in enumerate(document.history):
        _demand(f"history.{index}.epoch", row.epoch, index + 1)
        _demand(f"history.{index}.phase", row.phase, 1 if index < train.phase1_epochs else 2)
    _demand("best_score", document.best_score, max(scores))
    _demand("best_epoch", document.best_epoch, scores.index(max(scores)) + 1)
    _bound("learning_rate", document.learning_rate, train.learning_rate)
    _bound("stalled", document.stalled, min(epoch, train.plateau_patience))


def _demand(field: str, found: object, expected: object, problem: str = "does not match the other entries") -> None:
    if found != expected:
        raise SaltError(problem, field=field, found=found, expected=expected)


def _bound(field: str, found: float, most: float) -> None:
    if found > most:
        raise SaltError("is out of range", field=field, found=found, expected=f"at most {most}")
