"""The experiment of all runs, in an SQLite file of MLflow's."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.tracking.experiment import (
    NOTE,
    TAGS,
    experiment_name,
    find_experiment,
    open_experiment,
)
from salt_pipeline.components.core.tracking.tracking import Tracking
from tests.components.core.tracking.work import Recorded


@pytest.fixture
def client(tmp_path: Path, empty_mlflow: Path) -> Any:
    """A client of a file without our experiment."""
    shutil.copyfile(empty_mlflow, tmp_path / "mlflow.db")
    return MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


def test_the_experiment_is_created_once_with_its_description_and_place(client: Any, tmp_path: Path) -> None:
    assert find_experiment(client) is None
    made = open_experiment(client, tmp_path.as_uri())
    assert open_experiment(client) == find_experiment(client) == made
    found = client.get_experiment(made)
    assert (found.name, found.tags) == ("salt", TAGS)
    assert found.artifact_location == tmp_path.as_uri()


def test_the_environment_names_the_experiment(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    salt = open_experiment(client)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "north")
    assert experiment_name() == "north"
    assert find_experiment(client) is None
    assert open_experiment(client) != salt


def test_an_edited_description_of_the_experiment_is_kept(server: Recorded) -> None:
    first = Tracking("first").experiment
    assert "salt.kind" in server.client.get_experiment(first).tags[NOTE]
    server.client.set_experiment_tag(first, NOTE, "ours")
    Tracking("second")
    assert server.client.get_experiment(first).tags[NOTE] == "ours"
