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
    find_runs,
    open_experiment,
)
from salt_pipeline.components.core.tracking.failures import TrackingError
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


def test_the_environment_gives_the_id_of_the_experiment(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    north = client.create_experiment("north")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", north)
    assert open_experiment(client) == find_experiment(client) == north
    assert client.get_experiment_by_name("salt") is None
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "north")
    assert find_experiment(client) == north
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "south")
    with pytest.raises(TrackingError, match="MLFLOW_EXPERIMENT_ID: is the id of another experiment"):
        find_experiment(client)


@pytest.mark.parametrize("given", ["77", "abc", "1'"])
def test_an_id_that_does_not_exist_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", given)
    with pytest.raises(TrackingError, match="MLFLOW_EXPERIMENT_ID: no such experiment"):
        open_experiment(client)


def test_an_empty_name_is_not_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "")
    assert experiment_name() == "salt"


def test_a_deleted_experiment_is_named_with_its_fix(client: Any) -> None:
    made = open_experiment(client)
    client.delete_experiment(made)
    with pytest.raises(TrackingError, match=f"mlflow experiments restore --experiment-id {made}"):
        open_experiment(client)
    client.restore_experiment(made)
    assert open_experiment(client) == made


NAMES = ("it's", 'a"b', 'it\'s "x"', "' or 1=1", "a`b", "a\\b", "a\\", "x\ny", "50% _x", "[a]", "'x'", "-- x", "α")


def test_runs_of_any_name_are_found(client: Any) -> None:
    made = open_experiment(client)
    ids = {name: client.create_run(made, tags={"salt.run": name}).info.run_id for name in NAMES}
    found = {name: [run.info.run_id for run in find_runs(client, made, name)] for name in NAMES}
    assert found == {name: [run_id] for name, run_id in ids.items()}
    assert find_runs(client, made, "it's", "attributes.status = 'FINISHED'") == []


def test_a_run_with_a_quote_in_its_name_is_recorded_and_resumed(server: Recorded) -> None:
    job = Tracking("it's-1").job("lite0", 0)
    assert job.id
    assert Tracking("it's-1").job("lite0", 0).id == job.id
    assert len(server.runs()) == 2
