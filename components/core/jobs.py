"""The training jobs of a configuration, encoder by fold, and the one file that each must produce."""

from collections.abc import Iterable
from typing import NamedTuple

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.errors import SaltError, SaltErrors


class Job(NamedTuple):
    """One training: an encoder on one fold's complement.

    Attributes:
        encoder: Name of the encoder.
        fold: Number of the fold that the training never sees.
    """

    encoder: str
    fold: int


def all_jobs(config: Config) -> list[Job]:
    """The jobs, in the order of the configuration."""
    return [Job(encoder.name, fold) for encoder in config.encoders for fold in range(config.split.folds)]


def in_loop(config: Config) -> list[Job]:
    """The jobs in the order of the pipeline's loop, those of the last-named encoder first.

    The presets name the costliest last, and long jobs that start first leave no worker idle at the end.
    """
    return [Job(encoder.name, fold) for encoder in reversed(config.encoders) for fold in range(config.split.folds)]


def job_title(encoder: str, fold: int | str) -> str:
    """A job's name in lists that show about fifteen letters, as `f3 lite1`: it begins with what distinguishes jobs."""
    return f"f{fold} {short_name(encoder)}"


def by_job(files: Iterable[tuple[str, str, str]], what: str, config: Config) -> dict[Job, str]:
    """Finds the file of each job.

    Args:
        files: Path, encoder and fold of each, in any order; encoder and fold as stated in the file itself.
        what: Name of such a file in messages, as `test maps`.
        config: Names the encoders and the number of folds.

    Returns:
        The path of each job, in the order of the configuration.

    Raises:
        SaltErrors: With every file of an unknown job, and every job whose file is missing or duplicate.
    """
    jobs = all_jobs(config)
    wanted = {(job.encoder, str(job.fold)): job for job in jobs}
    found: dict[Job, str] = {}
    problems = []
    for path, encoder, fold in files:
        job = wanted.get((encoder, fold))
        if job is None:
            problems.append(_unexpected(path, encoder, fold, config))
        elif job in found:
            problems.append(SaltError(f"duplicate {what} of {_name(job)}", file=path, found=f"also {found[job]}"))
        else:
            found[job] = path
    problems += [SaltError(f"{what} of {_name(job)} missing") for job in jobs if job not in found]
    if problems:
        raise SaltErrors(f"{what}: exactly one of each job is needed", problems)
    return {job: found[job] for job in jobs}


def _unexpected(path: str, encoder: str, fold: str, config: Config) -> SaltError:
    names = [known.name for known in config.encoders]
    if encoder not in names:
        field, found, expected = "encoder", encoder, " or ".join(names)
    else:
        field, found, expected = "fold", fold, f"0 to {config.split.folds - 1}"
    return SaltError("not in the configuration", file=path, field=field, found=found, expected=expected)


def _name(job: Job) -> str:
    return f"encoder {job.encoder}, fold {job.fold}"
