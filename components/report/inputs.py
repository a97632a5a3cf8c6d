"""Reads the inputs of the report and checks that they belong together."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from salt_pipeline.components.core.blended import Weight, check_encoders, check_sum, read_blend
from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.config.section import problems_of
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.jobs import Job, by_job
from salt_pipeline.components.core.labelled import check_facts, check_ids, read_folds, read_labelled
from salt_pipeline.components.core.schemas import MAPS, SIDE, array_to_pixels, open_table, read_table, table_metadata
from salt_pipeline.components.report.architecture import Architecture

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Labelled:
    """The labelled images, sorted by id.

    Attributes:
        ids: Their ids.
        images_BHW: Grey levels, uint8.
        masks_BHW: True masks, uint8, 1 is salt.
        fold_B: The fold that holds each image out.
        depth_B: Depth below the surface, ft, float64; NaN where it is unknown.
        data_hash: Hash of the data.
        synthetic: Whether the images were generated, so that scores say nothing about real data.
    """

    ids: list[str]
    images_BHW: NDArray[np.uint8]
    masks_BHW: NDArray[np.uint8]
    fold_B: NDArray[np.int32]
    depth_B: NDArray[np.float64]
    data_hash: str
    synthetic: bool


@dataclass(frozen=True)
class Maps:
    """Out-of-fold predictions in the order of `Labelled`.

    Attributes:
        maps_BHW: Probability of salt by pixel, q = round(255 p), uint8.
        salt_B: Probability that the image holds any salt, float32.
    """

    maps_BHW: NDArray[np.uint8]
    salt_B: NDArray[np.float32]


Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**15)]


class Document(BaseModel):
    """A JSON document of a stage: a number is a number, not its text."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class Epoch(Document):
    """An epoch of a learning curve; further entries are numbers too, for MLflow."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float] = Field(init=False)

    epoch: int = Field(ge=1)
    phase: Literal[1, 2]
    score: Score
    loss: float = Field(ge=-1e15, le=1e15)
    seconds: Amount
    ended: Amount


class Curve(Document):
    """The learning curve that train_fold writes; only a training on a GPU has a peak of its memory."""

    encoder: str
    fold: Count
    config_hash: str
    data_hash: str
    seconds: Amount
    device: str
    epochs: list[Epoch] = Field(min_length=1)
    best_epoch: Count
    ended: Amount
    oof_score: Score
    oof_salt_accuracy: Score
    architecture: Architecture
    peak_memory_bytes: Count | None = None
    images_per_second: Amount
    versions: dict[str, str]

    @model_validator(mode="after")
    def _epochs_are_counted(self) -> Self:
        """The epochs are numbered from 1, and the best one is among them."""
        numbers = [epoch.epoch for epoch in self.epochs]
        if numbers != list(range(1, len(numbers) + 1)):
            raise PydanticCustomError("epochs", f"epochs are not 1 to {len(numbers)}, each once")
        if self.best_epoch > len(numbers):
            raise PydanticCustomError("epochs", f"best_epoch is {self.best_epoch}, of {len(numbers)} epochs")
        return self


class ChoiceFile(Document):
    """The part of choice.json that the report needs: the choice of submission, and the ensemble's score by it."""

    threshold: Score
    min_area: int = Field(ge=0, le=SIDE * SIDE)
    score: Score
    score_cross_fitted: Score
    weights: dict[str, Weight]
    data_hash: str
    config_hash: str


def read_truth(dataset: str, folds: str) -> Labelled:
    """Reads the labelled images and their folds.

    Raises:
        SaltError: If a file is wrong, no image is labelled, or the folds are of other images.
    """
    table, facts = read_labelled(dataset, ["id", "image", "mask", "depth"])
    data_hash = facts.get("data_hash", "")
    ids = table["id"].to_pylist()
    if not ids:
        raise SaltError("holds no labelled image", file=dataset)
    return Labelled(
        ids=ids,
        images_BHW=array_to_pixels(table["image"]),
        masks_BHW=array_to_pixels(table["mask"]),
        fold_B=read_folds(folds, ids, {"data_hash": data_hash}),
        depth_B=table["depth"].to_numpy().astype(np.float64),
        data_hash=data_hash,
        synthetic=facts.get("synthetic") == "true",
    )


def read_maps(path: str, labelled: Labelled, config: Config) -> Maps:
    """Reads the blended out-of-fold maps.

    Raises:
        SaltError: If the file is wrong, not blended, or of other images or another configuration.
    """
    table, facts = read_table(path, MAPS)
    check_facts(path, facts, {"kind": "oof", "data_hash": labelled.data_hash, "config_hash": config.hash})
    read_blend(path, facts, config)
    check_ids(path, table["id"].to_pylist(), labelled.ids)
    return Maps(array_to_pixels(table["map"]), table["salt"].to_numpy())


def read_jobs(oofs: list[str], labelled: Labelled, config: Config) -> dict[str, Maps]:
    """Reads the out-of-fold maps of every job and joins those of an encoder.

    Returns:
        By encoder, in the configuration's order: a map for each labelled image, by the network that never saw it.

    Raises:
        SaltError: If a job is missing, duplicate or unknown, or a file holds other images than its fold.
    """
    opened = ((path, table_metadata(open_table(path, MAPS))) for path in oofs)
    files = ((path, facts.get("encoder", "none"), facts.get("fold", "none")) for path, facts in opened)
    paths = by_job(files, "out-of-fold maps", config)
    pooled = {}
    for encoder in config.encoders:
        maps = Maps(np.empty_like(labelled.masks_BHW), np.empty(len(labelled.ids), dtype=np.float32))
        for fold in range(config.split.folds):
            path = paths[Job(encoder.name, fold)]
            table, facts = read_table(path, MAPS)
            check_facts(path, facts, {"kind": "oof", "data_hash": labelled.data_hash, "config_hash": config.hash})
            rows = np.flatnonzero(labelled.fold_B == fold)
            check_ids(path, table["id"].to_pylist(), [labelled.ids[row] for row in rows])
            maps.maps_BHW[rows] = array_to_pixels(table["map"])
            maps.salt_B[rows] = table["salt"].to_numpy()
        pooled[encoder.name] = maps
    return pooled


def read_curves(paths: list[str], labelled: Labelled, config: Config) -> dict[Job, Curve]:
    """Reads the learning curve of every job.

    Raises:
        SaltError: If a job is missing, duplicate or unknown, or a file is not a curve or of other data.
    """
    curves = {path: _read_model(path, Curve) for path in paths}
    for path, curve in curves.items():
        hashes = {"data_hash": curve.data_hash, "config_hash": curve.config_hash}
        check_facts(path, hashes, {"data_hash": labelled.data_hash, "config_hash": config.hash})
    files = ((path, curve.encoder, str(curve.fold)) for path, curve in curves.items())
    jobs = by_job(files, "learning curve", config)
    return {job: curves[path] for job, path in jobs.items()}


def read_choice(path: str, labelled: Labelled, config: Config) -> ChoiceFile:
    """Reads threshold and smallest area.

    Raises:
        SaltError: If the file is not what submission writes, or is of another run.
    """
    choice = _read_model(path, ChoiceFile)
    hashes = {"data_hash": choice.data_hash, "config_hash": choice.config_hash}
    check_facts(path, hashes, {"data_hash": labelled.data_hash, "config_hash": config.hash})
    check_encoders(path, choice.weights, config)
    check_sum(path, tuple(choice.weights.values()))
    return choice


def _read_model(path: str, model: type[Model]) -> Model:
    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        raise problems_of(error, path)[0] from None
