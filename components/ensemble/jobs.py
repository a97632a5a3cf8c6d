"""Which file holds the maps of which job."""

from dataclasses import dataclass

from components.core.config import Config
from components.core.errors import SaltError
from components.core.schemas import MAPS, open_table, table_metadata

_HASHES = ("data_hash", "config_hash")


@dataclass(frozen=True)
class MapFile:
    """One job's maps.

    Attributes:
        path: The file.
        rows: Number of images.
        metadata: What the stage that wrote it says of it.
    """

    path: str
    rows: int
    metadata: dict[str, str]


def find_jobs(paths: list[str], kind: str, config: Config) -> dict[tuple[str, int], MapFile]:
    """Opens the files of one kind and finds the job of each.

    Args:
        paths: The files, in any order.
        kind: `oof` or `test`.
        config: Names the encoders and the number of folds.

    Returns:
        The file of each (encoder, fold), in the order of the configuration.

    Raises:
        SaltError: If a file is no such job's, or a job is missing or doubled.
    """
    encoders = [encoder.name for encoder in config.encoders]
    expected = [(encoder, fold) for encoder in encoders for fold in range(config.split.folds)]
    found: dict[tuple[str, int], MapFile] = {}
    for path in paths:
        file = _read(path)
        facts = file.metadata
        if facts["kind"] != kind:
            raise SaltError("wrong kind of maps", file=path, field="kind", found=facts["kind"], expected=kind)
        if facts["encoder"] not in encoders:
            names = " or ".join(encoders)
            raise SaltError(
                "not in the configuration", file=path, field="encoder", found=facts["encoder"], expected=names
            )
        job = next((job for job in expected if (job[0], str(job[1])) == (facts["encoder"], facts["fold"])), None)
        if job is None:
            folds = f"0 to {config.split.folds - 1}"
            raise SaltError("not in the configuration", file=path, field="fold", found=facts["fold"], expected=folds)
        if job in found:
            raise SaltError(f"a second {kind} file of {_name(job)}", file=path, found=f"also {found[job].path}")
        found[job] = file
    missing = [job for job in expected if job not in found]
    if missing:
        raise SaltError(f"no {kind} maps of {'; '.join(map(_name, missing))}", expected=f"{len(expected)} jobs")
    return {job: found[job] for job in expected}


def common_hashes(files: list[MapFile]) -> dict[str, str]:
    """The data hash and the configuration hash that all files share.

    Raises:
        SaltError: If two files differ.
    """
    first = files[0]
    for file in files[1:]:
        for key in _HASHES:
            if file.metadata[key] != first.metadata[key]:
                expected = f"{first.metadata[key]} as in {first.path}"
                raise SaltError(
                    "made from something else", file=file.path, field=key, found=file.metadata[key], expected=expected
                )
    return {key: first.metadata[key] for key in _HASHES}


def _name(job: tuple[str, int]) -> str:
    return f"{job[0]} fold {job[1]}"


def _read(path: str) -> MapFile:
    with open_table(path, MAPS) as file:
        metadata = table_metadata(file)
        rows = file.metadata.num_rows
    for key in ("kind", "encoder", "fold", *_HASHES):
        if key not in metadata:
            raise SaltError("is missing from the metadata", file=path, field=key)
    return MapFile(path, rows, metadata)
