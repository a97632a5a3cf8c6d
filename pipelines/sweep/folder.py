"""The folder of a sweep: what it tries, its jobs and its results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from salt_pipeline.components.core.config.config import MAX_FOLDS, Config
from salt_pipeline.components.core.documents import read_document
from salt_pipeline.components.core.errors import SaltError, one_line
from salt_pipeline.components.core.files import write_json
from salt_pipeline.pipelines.local.archive import absolute_archive, archive_version, check_unchanged
from salt_pipeline.pipelines.local.folder import Text, is_free
from salt_pipeline.pipelines.provenance import origin_of
from salt_pipeline.pipelines.sweep.job import Job, in_turn, jobs_of
from salt_pipeline.pipelines.sweep.results import Result
from salt_pipeline.pipelines.sweep.search import SearchPlan
from salt_pipeline.pipelines.sweep.settings import MOST, Setting

SWEEP, RESULTS = "sweep.json", "results.json"
"""Names of the document that makes a folder the folder of a sweep, and of the document with its results."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Fold = Annotated[int, Field(ge=0, lt=MAX_FOLDS)]


class Results(BaseModel):
    """What a finished sweep has found: the settings in the order of the sweep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: tuple[Result, ...]


class SweepFolder(BaseModel):
    """One sweep, as its sweep.json says.

    Attributes:
        path: The folder; not in the document.
        run: Name of the sweep, its parent run in MLflow.
        data: The archive, an absolute path or an s3:// URI.
        data_version: Changes with the archive.
        preset: Name of the preset that the configurations are based on.
        base: The `--set` options that all settings have in common.
        settings: What is tried; the others are compared with the first.
        folds: The folds that are held out, one after the other.
        seeds: The seeds of the trainings.
        origin: Provenance tags.
        search: What optuna is asked for, if it proposes the settings after the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(exclude=True)
    run: Text
    data: Text
    data_version: Text
    preset: Text
    base: tuple[str, ...]
    settings: tuple[Setting, ...] = Field(min_length=1, max_length=MOST)
    folds: tuple[Fold, ...] = Field(min_length=1)
    seeds: tuple[Seed, ...] = Field(min_length=1)
    origin: dict[str, str]
    search: SearchPlan | None = None

    @property
    def log(self) -> Path:
        """The log of the sweep; each job has its own."""
        return self.path / "log.txt"

    @property
    def configs(self) -> list[Config]:
        """The configuration of each setting."""
        return [setting.config for setting in self.settings]

    def jobs(self) -> list[list[list[Job]]]:
        """The jobs of each setting, by seed."""
        return [jobs_of(one.config, self.folds, self.seeds, self.path, one.name) for one in self.settings]

    def distinct_jobs(self) -> list[Job]:
        """The jobs in the order in which they begin, each once: settings may have some in common."""
        first: dict[Path, Job] = {}
        for job in in_turn(self.jobs()):
            first.setdefault(job.folder, job)
        return list(first.values())

    @property
    def trainings(self) -> int:
        """Number of trainings; settings that differ only after the training have theirs in common."""
        return len({job.training for job in self.distinct_jobs()})

    def count_jobs(self) -> tuple[int, int]:
        """Number of jobs, each a training and its prediction, and number of those that have finished."""
        jobs = self.distinct_jobs()
        return len(jobs), sum(job.finished for job in jobs)

    def read_results(self) -> tuple[Result, ...]:
        """The results of a finished sweep, in the order of the settings."""
        return read_document(Results, self.path / RESULTS).settings

    def save(self) -> None:
        """Writes what the sweep is to try; only the holder of the folder's lock may call it."""
        (self.path / RESULTS).unlink(missing_ok=True)
        write_json(self.path / SWEEP, self.model_dump(mode="json"))


def plan_sweep(
    path: Path,
    data: str,
    preset: str,
    base: Sequence[str],
    settings: Sequence[Setting],
    folds: Sequence[int],
    seeds: Sequence[int],
    search: SearchPlan | None = None,
) -> SweepFolder:
    """Plans a new sweep; nothing is written.

    Args:
        path: The folder, new or with a sweep of the same archive: its finished trainings are then used again.
        data: The archive, a path or an s3:// URI.
        preset: Name of the preset.
        base: The `--set` options that all settings have in common.
        settings: What is to be tried.
        folds: The folds to hold out; none for all.
        seeds: The seeds of the trainings; none for that of the configuration.
        search: What optuna is asked for, if it proposes the settings after the first.

    Raises:
        SaltError: If the archive does not exist, a fold or seed is not valid, or the folder holds something else.
    """
    config = settings[0].config
    held_out = chosen_folds(settings, folds)
    source = absolute_archive(data, path)
    known = read_sweep(path)
    before = known.configs[0] if known else config
    if (before.seed, before.data) != (config.seed, config.data) or (known and known.data != source):
        problem = "holds a sweep of another archive, seed or data.on_bad: use another --out"
        raise SaltError(problem, file=path, field="--out")
    if not known and path.is_dir() and not is_free(path):
        raise SaltError("is not empty and holds no sweep", file=path, field="--out")
    return SweepFolder(
        path=path.resolve(),
        run=known.run if known else f"{one_line(path.resolve().name)}-{uuid4().hex[:6]}",
        data=source,
        data_version=known.data_version if known else archive_version(source),
        preset=preset,
        base=tuple(base),
        settings=tuple(settings),
        folds=held_out,
        seeds=chosen_seeds(settings, seeds),
        origin=origin_of(config, preset, "subprocess"),
        search=search,
    )


def chosen_folds(settings: Sequence[Setting], folds: Sequence[int]) -> tuple[int, ...]:
    """The folds that a sweep holds out.

    Args:
        settings: What is to be tried.
        folds: The option `--fold`; empty for all.

    Raises:
        SaltError: If one is not valid, or there are too few for what is chosen on other folds.
    """
    count = settings[0].config.split.folds
    chosen = _distinct(folds, "--fold") or tuple(range(count))
    if wrong := [fold for fold in chosen if fold >= count]:
        expected = f"0 to {count - 1}"
        raise SaltError("is not a fold of the configuration", field="--fold", found=wrong[0], expected=expected)
    if len(chosen) < 2 and any(_chooses(setting.config) for setting in settings):
        problem = "a threshold, smallest area or weight is chosen on folds other than the one it is scored on"
        expected = "two or more; or --set submission.threshold=0.5 --set submission.min_area=0"
        raise SaltError(problem, field="--fold", found="one fold", expected=expected)
    return chosen


def chosen_seeds(settings: Sequence[Setting], seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds of a sweep's trainings.

    Args:
        settings: What is to be tried.
        seeds: The option `--seed`; empty for that of the configuration.

    Raises:
        SaltError: If one is given twice.
    """
    return _distinct(seeds, "--seed") or (settings[0].config.seed,)


def read_sweep(path: Path) -> SweepFolder | None:
    """What a folder's sweep.json says; None if there is none.

    Raises:
        SaltError: If it is no such document, or the archive has changed since the sweep began.
    """
    if not (path / SWEEP).is_file():
        return None
    found = read_document(SweepFolder, path / SWEEP, path=path.resolve())
    check_unchanged(found.data, found.data_version)
    return found


def _distinct(numbers: Sequence[int], option: str) -> tuple[int, ...]:
    if len(set(numbers)) < len(numbers):
        raise SaltError("is given twice", field=option, found=", ".join(map(str, numbers)))
    return tuple(numbers)


def _chooses(config: Config) -> bool:
    """Whether a value is chosen out of fold."""
    return "best" in (config.submission.threshold, config.submission.min_area) or config.ensemble.weights == "learned"
