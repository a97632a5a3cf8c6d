"""The folder of a sweep without jobs."""

from pathlib import Path

import pytest

from tests.pipelines.sweep.finished import write_images


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return write_images(tmp_path)
