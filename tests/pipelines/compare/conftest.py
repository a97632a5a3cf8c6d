import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient


@pytest.fixture
def tracked(tmp_path: Path, empty_mlflow: Path) -> MlflowClient:
    """An MLflow database as local runs write it: two runs of the pipeline, each with a job."""
    (tmp_path / "runs").mkdir()
    shutil.copy(empty_mlflow, tmp_path / "runs")
    client = MlflowClient(f"sqlite:///{tmp_path}/runs/mlflow.db")
    experiment = client.create_experiment("salt")
    for i, (name, score) in enumerate([("first-1a2b3c", 0.81234), ("second-4d5e6f", None)]):
        tags = {"salt.kind": "pipeline", "salt.run": name}
        run = client.create_run(experiment, start_time=1_700_000_000_000 + i, tags=tags).info.run_id
        client.create_run(experiment, tags={"salt.kind": "job", "salt.run": name})
        if score:
            client.log_metric(run, "score", score)
            client.set_terminated(run, "FINISHED", end_time=1_700_000_065_000)
    return client
