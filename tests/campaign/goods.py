"""The good inputs that are damaged, and what the commands make of them undamaged."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.campaign.warm import WALL_SECONDS, Result, Warm

ENCODER = "tu-lcnet_035"
"""The encoder of the job that is damaged."""

LABELLED, TEST = 18, 7
"""Images of the archive."""

FOREIGN = ("SALT_", "AWS_", "MLFLOW_", "KUBE", "KF_PIPELINES")
"""Beginnings of the variables that would name the machine's own servers."""


def make(folder: Path) -> None:
    """Makes the good inputs that `trained` does not have."""
    from PIL import Image

    from salt_pipeline.components.ingest.synth import write_survey
    from tests.components.trained import CONFIG, train_ensemble
    from tests.pipelines.compare.finished import ingested, two_runs

    write_survey(str(folder / "survey"), labelled=LABELLED, test=TEST, seed=2)
    write_survey(str(folder / "survey.zip"), labelled=LABELLED, test=TEST, seed=2)
    (folder / "trained").mkdir()
    train_ensemble(folder / "trained")
    (folder / "trained" / "config.json").write_text(json.dumps(CONFIG))
    (folder / "pictures").mkdir()
    image = Image.open(next((folder / "survey/test/images").iterdir())).convert("L")
    image.save(folder / "pictures" / "a.png")
    image.save(folder / "pictures" / "b.tif")
    (folder / "compared").mkdir()
    survey = ingested(folder / "compared")
    for run in two_runs(folder / "compared", survey):
        (run / "ingest").mkdir()
        shutil.copy(survey.dataset, run / "ingest")


class Goods:
    """The good inputs.

    Args:
        folder: What `make` filled.
        scratch: For what the commands make of them.
        warm: Runs the commands.
    """

    def __init__(self, folder: Path, scratch: Path, warm: Warm) -> None:
        self.folder, self.scratch, self.warm = folder, scratch, warm
        self.trained = folder / "trained"
        self.kept: dict[str, Path] = {}
        idle = self.run(["presets"], self.new_folder("idle"))
        assert idle.code == 0, idle.said
        self.memory = idle.memory

    def new_folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir(parents=True)
        return folder

    def run(
        self, words: list[object], folder: Path, env: dict[str, str] | None = None, seconds: float = WALL_SECONDS
    ) -> Result:
        """Runs a command with an environment that names no server; its output goes to `folder`."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        own |= {"HOME": str(folder), "COLUMNS": "200", "SALT_KFP_URL": "http://127.0.0.1:9", "TMPDIR": str(folder)}
        return self.warm.run([str(word) for word in words], folder, own | (env or {}), seconds)

    def wanted(self, name: str, words: Callable[[Path], list[object]]) -> Path:
        """The folder with what a command makes of the good inputs; it runs once."""
        if name not in self.kept:
            folder = self.new_folder(f"wanted-{name}")
            result = self.run(words(folder / "made"), folder)
            assert result.code == 0, f"{name}: {result.said}"
            self.kept[name] = folder / "made"
        return self.kept[name]


def same_bytes(made: Path, wanted: Path, names: list[str]) -> str:
    """What differs between two folders, of the files with these names or patterns; nothing if they are equal."""
    for pattern in names:
        files = sorted(path.relative_to(wanted) for path in wanted.glob(pattern))
        assert files, f"{pattern} of {wanted}"
        for file in files:
            if not (made / file).is_file():
                return f"{file} was not made"
            if (made / file).read_bytes() != (wanted / file).read_bytes():
                return f"{file} is not what the good input gives"
    return ""


def same_rows(made: Path, wanted: Path) -> str:
    """What differs between two tables, whose metadata may differ."""
    import pyarrow.parquet as pq

    first, second = (pq.read_table(path).replace_schema_metadata(None) for path in (made, wanted))
    return "" if first.equals(second) else f"{made.name} has other rows than of the good input"


def copy_tree(source: Path, target: Path) -> Path:
    """Copies a folder so that no file is shared with it."""
    return Path(shutil.copytree(source, target, symlinks=True))


def read(path: Path) -> Any:
    return json.loads(path.read_text())
