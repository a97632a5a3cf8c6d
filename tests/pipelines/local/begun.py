"""The folder of a run, as `salt run` writes it."""

from pathlib import Path

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.pipelines.local.folder import RunFolder, create, open_run


def begun(path: Path, data: str, preset: str, config: Config) -> RunFolder:
    """Plans a run and writes its folder."""
    folder = open_run(path, data, preset, config)
    create(folder, config)
    return folder
