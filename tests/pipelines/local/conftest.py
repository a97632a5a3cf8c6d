from pathlib import Path

import pytest

from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.local.begun import begun


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "survey.zip"
    path.write_bytes(b"an archive")
    return path


@pytest.fixture
def folder(tmp_path: Path, archive: Path) -> RunFolder:
    """A run that has not begun."""
    return begun(tmp_path / "runs" / "first", str(archive), "smoke", preset_config("smoke"))
