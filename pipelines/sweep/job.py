"""One training of a sweep, and the folder of its outputs, which the configuration names."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.documents import read_document
from salt_pipeline.components.core.files import content_hash
from salt_pipeline.components.core.labelled import check_facts
from salt_pipeline.components.core.schemas import MAPS, open_table, table_metadata

METRICS = "metrics.json"
"""Name of the file that a job writes last: a folder with it is the folder of a finished job."""


class _Metrics(BaseModel):
    """What must hold of that file, as far as it is read."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    training_seconds: float = Field(ge=0)


@dataclass(frozen=True)
class Job:
    """One training: a configuration under a seed, one encoder, one fold.

    Attributes:
        config: The configuration, with the seed of the training.
        encoder: One of its encoders.
        fold: The fold to hold out.
        work: The folder of the sweep.
        setting: Name of a setting that it belongs to, for messages.
    """

    config: Config
    encoder: str
    fold: int
    work: Path
    setting: str = ""

    @property
    def training(self) -> str:
        """Name of the training; jobs that differ only in prediction have it in common."""
        return f"{self.config.hash}/{self.encoder}/fold{self.fold}"

    @property
    def folder(self) -> Path:
        """Folder of its maps and metrics; settings that differ only after the prediction have it in common."""
        return self.work / "jobs" / content_hash(self.config.predict.model_dump(mode="json")) / self.training

    @property
    def oof(self) -> Path:
        """The maps of its held-out images."""
        return self.folder / "oof.parquet"

    @property
    def seconds(self) -> float:
        """The time that its training took.

        Raises:
            SaltError: If its metrics are damaged.
        """
        return read_document(_Metrics, self.folder / METRICS).training_seconds

    def check_maps(self) -> None:
        """Checks that its maps are its own.

        Raises:
            SaltError: If they are another job's.
        """
        key = {"config_hash": self.config.hash, "encoder": self.encoder, "fold": str(self.fold)}
        with open_table(str(self.oof), MAPS) as file:
            check_facts(self.oof, table_metadata(file), key)

    @property
    def finished(self) -> bool:
        """Whether its outputs are complete."""
        return (self.folder / METRICS).is_file()


def jobs_of(config: Config, folds: Sequence[int], seeds: Sequence[int], work: Path, setting: str) -> list[list[Job]]:
    """The jobs of one configuration, by seed.

    Args:
        config: The configuration.
        folds: The folds to hold out.
        seeds: The seeds of the trainings.
        work: The folder of the sweep.
        setting: Name of the configuration, for messages.
    """
    return [
        [
            Job(config.model_copy(update={"seed": seed}), encoder.name, fold, work, setting)
            for fold in folds
            for encoder in config.encoders
        ]
        for seed in seeds
    ]


def in_turn(jobs: Sequence[list[list[Job]]]) -> list[Job]:
    """The jobs of all settings, seed by seed and fold by fold.

    The settings of one seed and fold then run under the same load of the machine.
    """
    by_setting = [[job for seed in seeds for job in seed] for seeds in jobs]
    return [job for row in zip_longest(*by_setting) for job in row if job]


def folds_file(config: Config, work: Path) -> Path:
    """File with the folds of a configuration: the seed of the base splits, whichever seed trains."""
    return work / f"folds-{content_hash(config.split.model_dump(mode='json'))}.parquet"
