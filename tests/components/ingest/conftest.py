"""A small survey on disk, a fresh copy for each test, and ways to pack it."""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from salt_pipeline.components.ingest.stage import check_data, ingest
from salt_pipeline.components.ingest.synth import write_survey


@dataclass(frozen=True)
class Files:
    """An unpacked survey."""

    folder: Path

    @property
    def labelled(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / "train/images").iterdir())

    @property
    def test(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / "test/images").iterdir())

    @property
    def salty(self) -> str:
        """The labelled image with the most runs of salt."""
        return max(self.runs, key=lambda image_id: len(self.runs[image_id]))

    @property
    def runs(self) -> dict[str, str]:
        lines = (self.folder / "train.csv").read_text().splitlines()[1:]
        return dict(line.split(",") for line in lines)

    def path(self, part: str, image_id: str) -> Path:
        return self.folder / part / f"{image_id}.png"

    def edit(self, table: str, old: str, new: str) -> None:
        path = self.folder / table
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "survey"
    write_survey(str(folder), labelled=20, test=10, seed=1)
    return folder


@pytest.fixture
def survey(original: Any, tmp_path: Path) -> Files:
    shutil.copytree(original, tmp_path / "survey")
    return Files(tmp_path / "survey")


def pack(folder: Path, out: Path, top: str = "", compression: int = zipfile.ZIP_STORED) -> Path:
    """Zips a folder's files under `top`."""
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, top + path.relative_to(folder).as_posix())
    return out


def pack_nested(folder: Path, out: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    """Zips a survey as a zip of zips."""
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path in sorted(folder.glob("*.csv")):
            archive.write(path, path.name)
        for part in ("train", "test"):
            archive.write(pack(folder / part, out.with_name(f"inner-{part}"), "", compression), f"{part}.zip")
    return out


def messages(data: Path | str) -> list[str]:
    """The problems of an archive."""
    return [str(problem) for problem in check_data(str(data))[1]]


def only(data: Path | str) -> str:
    """The only problem of an archive."""
    problems = messages(data)
    assert len(problems) == 1, problems
    return problems[0]


def data_of(data: Path | str) -> str:
    """The hash of an archive's content."""
    with TemporaryDirectory() as scratch:
        return ingest(str(data), {}, f"{scratch}/dataset.parquet")["data_hash"]
