"""A real MLflow server that tests share, one that a test may stop, and an address without any."""

import shutil
import socket
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient

from tests.servers import MlflowServer


@pytest.fixture(scope="session")
def address(tmp_path_factory, empty_mlflow):
    folder = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_mlflow, folder)
    with MlflowServer(folder) as server:
        yield server.address


@pytest.fixture
def server(address, monkeypatch, request):
    """The server, under an experiment of the test's own, and what is found on it."""
    name = request.node.name
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    client = MlflowClient(address)

    def runs(kind=None):
        experiment = client.get_experiment_by_name(name)
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        return [run for run in found if kind in (None, run.data.tags["salt.kind"])]

    def epochs(run_id):
        return [(point.step, point.value) for point in client.get_metric_history(run_id, "score")]

    return SimpleNamespace(client=client, runs=runs, epochs=epochs)


@pytest.fixture
def nowhere(monkeypatch):
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{taken.getsockname()[1]}")
        yield


@pytest.fixture
def own(tmp_path, monkeypatch, empty_mlflow):
    """A server of the test's own, to be stopped and started; not running yet."""
    shutil.copy(empty_mlflow, tmp_path)
    server = MlflowServer(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    yield server
    server.kill()
