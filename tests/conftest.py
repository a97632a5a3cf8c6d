"""Fixtures for tests in any folder: servers, a trained ensemble and an empty MLflow database."""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from salt_pipeline.components.core.store.store import Store
from tests.servers import MinioServer, minio_program

if TYPE_CHECKING:  # it imports torch, which most tests do not need
    from tests.components.trained import Trained


def pytest_configure() -> None:
    """Takes signals again that a shell ignores for what it runs in the background: tests send them to processes."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


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
    """A bucket of this test only."""
    name = f"test-{uuid4().hex[:12]}"
    store.make_bucket(name)
    return name


@pytest.fixture
def store_environment(minio: MinioServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Sets the environment variables of the MinIO server."""
    for name in ("AWS_CA_BUNDLE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    variables = minio.settings().environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills once for all processes of pytest; tests only read it."""
    own = factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = common / name
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = factory.mktemp("making")
            make(made)
            made.rename(folder)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> "Trained":
    """Four tiny jobs, trained and bundled."""
    from tests.components.trained import read_trained, train_ensemble

    return read_trained(made_once(tmp_path_factory, "trained", train_ensemble))


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs, to copy: MLflow needs seconds to create its tables."""
    from mlflow import MlflowClient

    def make(folder: Path) -> None:
        MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()

    return made_once(tmp_path_factory, "empty_mlflow", make) / "mlflow.db"
