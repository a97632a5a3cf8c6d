"""Where the stages of a local run record, and the variables that they receive."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.tracking.address import sqlite_uri
from salt_pipeline.components.core.tracking.experiment import EXPERIMENT
from salt_pipeline.components.core.tracking.failures import TrackingError
from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.local.tracking import prepare_tracking, stage_environment, tracking_server


def test_without_a_server_runs_are_recorded_beside_the_folder(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    prepare_tracking(folder.path.parent)
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:9"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    prepare_tracking(folder.path.parent)
    home = folder.path.parent
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{home / 'mlflow.db'}"
    experiment = MlflowClient().get_experiment_by_name(EXPERIMENT)
    assert experiment
    assert experiment.artifact_location == (home / "mlartifacts").as_uri()
    prepare_tracking(folder.path.parent)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no place, and the test's own variable is removed at its end."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")


def test_a_folder_with_a_question_mark_holds_its_records(
    folder: RunFolder, tmp_path: Path, empty_mlflow: Path, no_server: None
) -> None:
    home = tmp_path / "50% salt #1?"
    home.mkdir()
    shutil.copyfile(empty_mlflow, home / "mlflow.db")
    prepare_tracking(home)
    experiment = MlflowClient().get_experiment_by_name(EXPERIMENT)
    assert experiment
    assert experiment.artifact_location == (home / "mlartifacts").as_uri()
    assert [path.name for path in home.iterdir()] == ["mlflow.db"]


def test_an_old_file_stops_the_run_before_it_begins(folder: RunFolder, empty_mlflow: Path, no_server: None) -> None:
    file = folder.path.parent / "mlflow.db"
    shutil.copyfile(empty_mlflow, file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("update alembic_version set version_num = 'bda7b8c39065'")
    with pytest.raises(TrackingError, match=f"{file}: its tables are of an older version.*mlflow db upgrade"):
        prepare_tracking(folder.path.parent)


def test_a_wrong_address_stops_the_run_before_it_begins(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "htp://me:hidden-word@mlflow")
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI: is not an address of MLflow") as caught:
        prepare_tracking(folder.path.parent)
    assert "hidden-word" not in str(caught.value)


def test_an_sqlite_file_is_served_to_containers(tmp_path: Path, empty_mlflow: Path) -> None:
    home = tmp_path / "50% salt #1?"
    home.mkdir()
    shutil.copyfile(empty_mlflow, home / "mlflow.db")
    with tracking_server(home / "mlflow.db") as address:
        MlflowClient(address).create_experiment("served")
    assert MlflowClient(sqlite_uri(home / "mlflow.db")).get_experiment_by_name("served")
    assert [path.name for path in tmp_path.iterdir()] == [home.name]


def test_stages_receive_the_variables_of_the_servers_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "SALT_", "MLFLOW_", "OMP_")):
            monkeypatch.delenv(name)
    given = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000",
        "SALT_S3_ENDPOINT": "http://127.0.0.1:9000",
        "SALT_S3_ACCESS_KEY": "key",
        "SALT_S3_SECRET_KEY": "secret",
        "MLFLOW_EXPERIMENT_NAME": "north",
        "MLFLOW_EXPERIMENT_ID": "7",
        "OMP_NUM_THREADS": "3",
    }
    for name, value in (given | {"MLFLOW_RUN_ID": "other", "SALT_KFP_TOKEN": "private"}).items():
        monkeypatch.setenv(name, value)
    found = stage_environment(with_store=True)
    assert given.items() <= found.items()
    assert not {"MLFLOW_RUN_ID", "SALT_KFP_TOKEN", "HOME"} & found.keys()
