"""Fixtures of the store: small upload parts, a file of four parts, and a server that a test may stop."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from salt_pipeline.components.core.store import multipart
from tests.components.core.store.outage import PART
from tests.servers import MinioServer, minio_program


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "PART", PART)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MinioServer]:
    """A server that a test may stop."""
    minio_program()
    with MinioServer(tmp_path / "data") as own:
        yield own


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(4 * PART))
    return path
