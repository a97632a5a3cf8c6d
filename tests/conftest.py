"""Servers that tests share."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from components.core.store import Store
from tests.servers import MinioServer, minio_program


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """A MinIO server; no test stops this one."""
    minio_program()
    with MinioServer(tmp_path_factory.mktemp("minio") / "data") as server:
        yield server


@pytest.fixture
def store(minio: MinioServer) -> Store:
    return Store(minio.settings())


@pytest.fixture
def bucket(store: Store) -> str:
    """A bucket of the test's own."""
    name = f"test-{uuid4().hex[:12]}"
    store.make_bucket(name)
    return name


@pytest.fixture
def store_environment(minio: MinioServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Has the environment name the server."""
    for name in ("AWS_CA_BUNDLE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    variables = minio.settings().environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables
