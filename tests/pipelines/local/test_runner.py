import os

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.tracking.experiment import EXPERIMENT
from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.local.runner import prepare_tracking


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
