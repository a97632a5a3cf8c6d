"""The folder of a local run: its files, and how the stages' artifacts get their predictable names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.cpu_time import parse_cpu_time
from salt_pipeline.components.core.documents import read_document
from salt_pipeline.components.core.errors import SaltError, one_line
from salt_pipeline.components.core.files import link_or_copy, read_json, write_json
from salt_pipeline.components.core.store.settings import StoreSettings, is_store_chosen
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.pipelines.hardware.runner import Runner
from salt_pipeline.pipelines.local.archive import absolute_archive, archive_version, check_unchanged
from salt_pipeline.pipelines.local.executor_output import Facts, read_artifacts
from salt_pipeline.pipelines.local.lock import LOCK
from salt_pipeline.pipelines.places import PLACES, job_folder
from salt_pipeline.pipelines.provenance import origin_of

KFP = ".kfp"
"""Folder where kfp.local keeps artifacts and its cache; the predictable names are hard links into it."""

RUN, CONFIG = "run.json", "config.json"
"""Names of the two documents that make a folder the folder of a run."""

Text = Annotated[str, Field(min_length=1, max_length=4096)]


@dataclass(frozen=True)
class Stage:
    """A finished task.

    Attributes:
        name: The component.
        seconds: Wall time of its own work.
        place: Place of its deepest artifact.
        cpu_seconds: CPU-seconds of its process, imports included.
        cpu_parts: Those of a training or a prediction by kind of work.
    """

    name: str
    seconds: float
    place: str
    cpu_seconds: float = 0
    cpu_parts: Mapping[str, float] = field(default_factory=dict)


class RunFolder(BaseModel):
    """One local run, as its run.json says.

    Attributes:
        path: The folder; not in the document.
        run: Name of the run, its parent run in MLflow.
        data: The archive.
        data_version: Changes with the archive, so that no stale result is taken from the cache.
        preset: Name of the preset that the configuration is based on.
        runner: How the stages run: as processes of this machine, or in containers.
        checkpoints: Folder, or prefix in the store, of the jobs' checkpoints and progress.
        origin: Provenance tags, fixed when the run starts: a resume does not change them.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    path: Path = Field(exclude=True)
    run: Text
    data: Text
    data_version: Text
    preset: Text
    runner: Runner
    checkpoints: Text
    origin: dict[str, str]

    @property
    def config(self) -> Config:
        """The resolved configuration."""
        return parse_config(read_json(self.path / CONFIG), str(self.path / CONFIG))

    @property
    def log(self) -> Path:
        """The log of all stages, as people read it."""
        return self.path / "log.txt"

    @property
    def debug_log(self) -> Path:
        """Everything that the run's processes have written."""
        return self.path / "log-debug.txt"

    def sweep(self) -> None:
        """Removes the partial files of a killed attempt; only the holder of the folder's lock may call it."""
        for part in self.path.rglob("*.part"):
            part.unlink(missing_ok=True)

    def collect(self) -> list[Stage]:
        """Links the artifacts of finished tasks to their predictable places.

        Returns:
            The finished tasks, oldest first; of several attempts at a task, the newest.
        """
        links, stages = self._finished()
        for place, source in links.items():  # linked last: a reader never sees the artifact of an older attempt again
            _link(source, self.path / place)
        return stages

    def finished(self) -> list[Stage]:
        """The finished tasks, as `collect` returns them; nothing is linked."""
        return self._finished()[1]

    def _finished(self) -> tuple[dict[str, Path], list[Stage]]:
        links: dict[str, Path] = {}
        stages: dict[str, Stage] = {}
        outputs = (self.path / KFP).rglob("executor_output.json")
        for output in sorted(outputs, key=lambda path: path.stat().st_mtime):
            found = sorted(_places(output), key=lambda item: (-item[1].count("/"), item[1]))
            links |= {place: source for source, place, _ in found if source.exists()}
            if found:
                place = found[0][1]
                stages.pop(place, None)
                stages[place] = _stage(output.parent.name, place, [facts for _, _, facts in found])
        return links, list(stages.values())


def _stage(name: str, place: str, facts: list[Facts]) -> Stage:
    parts = next((parse_cpu_time(one.cpu_parts) for one in facts if one.cpu_parts), {})
    return Stage(name, max(f.stage_seconds for f in facts), place, max(f.cpu_seconds for f in facts), parts)


def _places(output: Path) -> Iterator[tuple[Path, str, Facts]]:
    """The artifacts that a task's executor has listed: path, predictable place, what the stage noted."""
    task = output.parent.name
    for name, artifacts in read_artifacts(output).items():
        place = PLACES.get(f"{task}/{name}", "")
        for artifact in artifacts if place else ():
            facts = artifact.metadata
            if "{job}" in place and not (facts.encoder and facts.fold):
                raise SaltError("does not say of which job it is", file=output, field=f"artifacts.{name}")
            yield Path(artifact.uri), place.format(job=job_folder(facts.encoder, facts.fold)), facts


def _link(source: Path, place: Path) -> None:
    """Makes `place` a hard link to `source` (a copy where links are not possible), file by file."""
    if source.is_dir():
        for child in source.iterdir():
            _link(child, place / child.name)
        return
    if place.exists() and place.samefile(source):
        return
    link_or_copy(source, place)


def open_run(
    path: Path, data: str | None, preset: str | None, config: Config, runner: Runner = "subprocess"
) -> RunFolder:
    """Opens the folder of a run to resume it; or plans a new run, of which `create` writes the folder.

    Args:
        path: The folder.
        data: The archive, a path or an s3:// URI; optional for an existing folder.
        preset: Name of the preset; optional for an existing folder.
        config: The resolved configuration.
        runner: How the stages run.

    Raises:
        SaltError: If the folder holds other files, or a run of another archive, preset or runner; if a name is not
            UTF-8.
    """
    if (path / RUN).is_file():
        return _reopen(path, data, preset, runner)
    if data is None and path.exists():
        raise SaltError(
            "holds no run", file=path, field="--out", expected="the folder of a run, or --data for a new one"
        )
    if data is None or preset is None:
        expected = "an archive (zip, folder or s3://bucket/key), or the folder of a run as --out"
        raise SaltError("is missing", field="--data", expected=expected)
    if path.is_dir() and not is_free(path):
        raise SaltError("is not empty and holds no run", file=path, field="--out")
    source = absolute_archive(data, path)
    home = f"s3://{StoreSettings().bucket}" if is_store_chosen() else str(path.resolve())
    return RunFolder(
        path=path.resolve(),
        run=f"{one_line(path.resolve().name)}-{uuid4().hex[:6]}",
        data=source,
        data_version=archive_version(source),
        preset=preset,
        runner=runner,
        checkpoints=f"{home}/checkpoints",
        origin=origin_of(config, preset, runner),
    )


def is_free(path: Path) -> bool:
    """Whether a folder is empty, or holds only what a process left that was killed before it had written run.json."""
    names = {file.name for file in path.iterdir()}
    return not names or (LOCK in names and all(name.startswith(".") or name == CONFIG for name in names))


def create(folder: RunFolder, config: Config) -> None:
    """Writes the documents of a new run; only the holder of the folder's lock may call it.

    Raises:
        SaltError: If they cannot be written, or another run has been created in the folder in the meantime.
    """
    if (folder.path / RUN).exists():
        raise SaltError("another process has just begun a run in this folder", file=folder.path, field="--out")
    write_json(folder.path / CONFIG, config.model_dump(mode="json"))
    write_json(folder.path / RUN, folder.model_dump(mode="json"))


def read_run(path: Path) -> RunFolder:
    """Reads what a folder's run.json says.

    Raises:
        SaltError: If it cannot be read, or is no such document.
    """
    return read_document(RunFolder, path / RUN, path=path.resolve())


def reopened_config(path: Path) -> Config | None:
    """The configuration of the run in this folder, if there is one."""
    return read_run(path).config if (path / RUN).is_file() else None


def _reopen(path: Path, data: str | None, preset: str | None, runner: Runner) -> RunFolder:
    folder = read_run(path)
    given = data if data is None or is_uri(data) else str(Path(data).resolve())
    if given not in (None, folder.data):
        raise SaltError("holds a run of another archive", file=path, field="--data", found=folder.data, expected=data)
    if preset not in (None, folder.preset):
        problem = "holds a run of another preset: use another --out"
        raise SaltError(problem, file=path, field="--preset", found=folder.preset, expected=preset)
    if runner != folder.runner:
        raise SaltError(
            "holds a run of another runner", file=path, field="--runner", found=folder.runner, expected=runner
        )
    check_unchanged(folder.data, folder.data_version)
    return folder
