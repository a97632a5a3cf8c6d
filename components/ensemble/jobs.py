"""Finds the map file of each job."""

from dataclasses import dataclass

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import Job, by_job
from salt_pipeline.components.core.labelled import check_facts
from salt_pipeline.components.core.schemas import MAPS, open_table, table_metadata

_HASHES = ("data_hash", "config_hash")


@dataclass(frozen=True)
class MapFile:
    """The map file of one job.

    Attributes:
        path: The file.
        rows: Number of images.
        metadata: The strings that the stage wrote beside the schema.
    """

    path: str
    rows: int
    metadata: dict[str, str]


def find_jobs(paths: list[str], kind: str, config: Config) -> dict[Job, MapFile]:
    """Opens the files of one kind and finds the job of each.

    Args:
        paths: The files, in any order.
        kind: `oof` or `test`.
        config: Names the encoders and the number of folds.

    Returns:
        The file of each job, in the order of the configuration.

    Raises:
        SaltError: If a file belongs to no such job, or a job is missing or duplicate.
    """
    files = [_read(path) for path in paths]
    for file in files:
        check_facts(file.path, file.metadata, {"kind": kind})
    jobs = by_job(
        ((file.path, file.metadata["encoder"], file.metadata["fold"]) for file in files), f"{kind} maps", config
    )
    by_path = {file.path: file for file in files}
    return {job: by_path[path] for job, path in jobs.items()}


def common_hashes(files: list[MapFile]) -> dict[str, str]:
    """Returns the data hash and the configuration hash that all files have in common.

    Raises:
        SaltError: If two files differ.
    """
    first = files[0]
    hashes = {key: first.metadata[key] for key in _HASHES}
    for file in files[1:]:
        check_facts(file.path, file.metadata, hashes, source=first.path)
    return hashes


def _read(path: str) -> MapFile:
    with open_table(path, MAPS) as file:
        metadata = table_metadata(file)
        rows = file.metadata.num_rows
    for key in ("kind", "encoder", "fold", *_HASHES):
        if key not in metadata:
            raise SaltError("is missing from the metadata", file=path, field=key)
    return MapFile(path, rows, metadata)
