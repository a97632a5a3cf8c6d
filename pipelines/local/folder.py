"""The folder of a local run: its files, and how the stages' artifacts get their predictable names."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.pipelines.places import PLACES, job_folder
from salt_pipeline.pipelines.provenance import origin_of

KFP = ".kfp"
"""Folder where kfp.local keeps artifacts and its cache; the predictable names are hard links into it."""

Runner = Literal["subprocess", "docker"]


@dataclass(frozen=True)
class Stage:
    """A finished task: the component, the seconds of its own work, and the place of its deepest artifact."""

    name: str
    seconds: float
    place: str


@dataclass(frozen=True)
class RunFolder:
    """One local run.

    Attributes:
        path: The folder.
        run: Name of the run, its parent run in MLflow.
        data: The archive.
        data_version: Changes with the archive, so that no stale result is taken from the cache.
        preset: Name of the preset that the configuration is based on.
        runner: How the stages run: as processes of this machine, or in containers.
        checkpoints: Folder, or prefix in the store, of the jobs' checkpoints and progress.
        origin: Provenance tags, fixed when the run starts: a resume does not change them.
    """

    path: Path
    run: str
    data: str
    data_version: str
    preset: str
    runner: Runner
    checkpoints: str
    origin: dict[str, str]

    @property
    def config(self) -> Config:
        """The resolved configuration."""
        return parse_config(read_json(self.path / "config.json"), str(self.path / "config.json"))

    @property
    def log(self) -> Path:
        """The log of all stages."""
        return self.path / "log.txt"

    def sweep(self) -> None:
        """Removes the partial files of a killed attempt; only the holder of the folder's lock may call it."""
        for part in self.path.rglob("*.part"):
            part.unlink(missing_ok=True)

    def collect(self) -> list[Stage]:
        """Links the artifacts of finished tasks to their predictable places.

        Returns:
            The finished tasks, oldest first; of several attempts at a task, the newest.
        """
        links: dict[str, Path] = {}
        stages: dict[str, Stage] = {}
        outputs = (self.path / KFP).rglob("executor_output.json")
        for output in sorted(outputs, key=lambda path: path.stat().st_mtime):
            try:
                artifacts = json.loads(output.read_text()).get("artifacts", {})
            except ValueError:  # still being written
                continue
            found = sorted(_places(output.parent.name, artifacts), key=lambda item: (-item[1].count("/"), item[1]))
            links |= {place: source for source, place, _ in found if source.exists()}
            if found:
                place = found[0][1]
                stages.pop(place, None)
                stages[place] = Stage(output.parent.name, max(seconds for _, _, seconds in found), place)
        for place, source in links.items():  # linked last: a reader never sees the artifact of an older attempt again
            _link(source, self.path / place)
        return list(stages.values())


def _places(task: str, artifacts: dict) -> Iterator[tuple[Path, str, float]]:
    """The artifacts that an executor has listed: path, predictable place, seconds of the task."""
    for output, listed in artifacts.items():
        place = PLACES.get(f"{task}/{output}")
        for artifact in listed["artifacts"] if place else ():
            metadata = artifact.get("metadata", {})
            job = job_folder(metadata.get("encoder", ""), metadata.get("fold", ""))
            yield Path(artifact["uri"]), str(place).format(job=job), float(metadata.get("stage_seconds", 0))


def _link(source: Path, place: Path) -> None:
    """Makes `place` a hard link to `source` (a copy where links are not possible), file by file."""
    if source.is_dir():
        for child in source.iterdir():
            _link(child, place / child.name)
        return
    if place.exists() and place.samefile(source):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.{uuid4().hex[:8]}.part")
    try:
        part.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, part)
    part.replace(place)


def open_run(path: Path, data: str | None, preset: str, config: Config, runner: Runner = "subprocess") -> RunFolder:
    """Creates the folder of a run, or opens an existing one to resume it.

    Args:
        path: The folder.
        data: The archive, a path or an s3:// URI; optional for an existing folder.
        preset: Name of the preset.
        config: The resolved configuration.
        runner: How the stages run.

    Raises:
        SaltError: If the folder cannot be written or holds a run of another archive, configuration or runner.
    """
    known = path / "run.json"
    if known.is_file():
        return _reopen(path, data, runner)
    if data is None:
        raise SaltError("is missing", field="--data", expected="an archive: zip, folder or s3://bucket/key")
    if path.is_dir() and any(path.iterdir()):
        raise SaltError("is not empty and holds no run", file=path, field="--out")
    if not is_uri(data) and not Path(data).exists():
        raise SaltError("no such archive", file=data, field="--data")
    source = data if is_uri(data) else str(Path(data).resolve())
    version = archive_version(source)
    store = StoreSettings()
    home = f"s3://{store.bucket}" if store.chosen else str(path.resolve())
    name, origin = f"{path.name}-{uuid4().hex[:6]}", origin_of(config, preset, runner)
    folder = RunFolder(path.resolve(), name, source, version, preset, runner, f"{home}/checkpoints", origin)
    write_json(path / "config.json", config.model_dump(mode="json"))
    write_json(known, {key: value for key, value in asdict(folder).items() if key != "path"})
    return folder


def reopened_config(path: Path) -> Config | None:
    """The configuration of the run in this folder, if there is one."""
    return parse_config(read_json(path / "config.json")) if (path / "run.json").is_file() else None


def _reopen(path: Path, data: str | None, runner: Runner) -> RunFolder:
    folder = RunFolder(path=path.resolve(), **read_json(path / "run.json"))
    given = data if data is None or is_uri(data) else str(Path(data).resolve())
    if given not in (None, folder.data):
        raise SaltError("holds a run of another archive", file=path, field="--data", found=folder.data, expected=data)
    if runner != folder.runner:
        raise SaltError(
            "holds a run of another runner", file=path, field="--runner", found=folder.runner, expected=runner
        )
    if not is_uri(folder.data) and not Path(folder.data).exists():
        raise SaltError("the archive no longer exists", file=folder.data, field="--data")
    if archive_version(folder.data) != folder.data_version:
        raise SaltError("the archive has changed since this run began: use another --out", file=folder.data)
    return folder


def archive_version(data: str) -> str:
    """Identifies an archive's content cheaply: by the store's checksum, or by the sizes and times of its files.

    Raises:
        SaltError: If the store has no such archive.
    """
    if is_uri(data):
        found = Store().stat(data)
        if found is None:
            raise SaltError("no such archive in the store", file=data, field="--data")
        return found.metadata.get("sha256", found.etag)[:16]
    source = Path(data)
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    facts = "\n".join(f"{os.fspath(f)} {f.stat().st_size} {f.stat().st_mtime_ns}" for f in files)
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
