"""Where the stages of a local run record, and the variables that they receive."""

import os

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.tracking.experiment import EXPERIMENT
from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.local.tracking import prepare_tracking, stage_environment


def test_without_a_server_runs_are_recorded_beside_the_folder(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    prepare_tracking(folder)
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:9"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    prepare_tracking(folder)
    home = folder.path.parent
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{home / 'mlflow.db'}"
    experiment = MlflowClient().get_experiment_by_name(EXPERIMENT)
    assert experiment
    assert experiment.artifact_location == (home / "mlartifacts").as_uri()
    prepare_tracking(folder)


def test_stages_receive_the_variables_of_the_servers_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "SALT_", "MLFLOW_", "OMP_")):
            monkeypatch.delenv(name)
    given = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000",
        "SALT_S3_ENDPOINT": "http://127.0.0.1:9000",
        "SALT_S3_ACCESS_KEY": "key",
        "SALT_S3_SECRET_KEY": "secret",
        "OMP_NUM_THREADS": "3",
    }
    for name, value in (given | {"MLFLOW_RUN_ID": "other", "SALT_KFP_TOKEN": "private"}).items():
        monkeypatch.setenv(name, value)
    found = stage_environment()
    assert given.items() <= found.items()
    assert not {"MLFLOW_RUN_ID", "SALT_KFP_TOKEN", "HOME"} & found.keys()
