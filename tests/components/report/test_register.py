"""The bundle in MLflow's registry: the full MLflow loads it, it is registered once, a failure does not stop a run."""

import logging
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.errors import NOTICE
from salt_pipeline.components.core.tracking import tracking
from salt_pipeline.components.inference.apply import apply
from salt_pipeline.components.inference.model_source import opened_bundle
from salt_pipeline.components.report.register import register
from tests.components.trained import Trained


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path) -> MlflowClient:
    shutil.copy(empty_mlflow, tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return MlflowClient(uri)


def test_the_full_mlflow_loads_the_model_and_predicts(trained: Trained, client: MlflowClient, tmp_path: Path) -> None:
    assert register("first", str(trained.bundle)) == {"registered_model": "salt/1"}
    model = mlflow.pyfunc.load_model("models:/salt/1")
    map_BHW = model.predict(trained.images_BHW)
    assert map_BHW.dtype == np.float32
    np.testing.assert_array_equal(np.rint(255 * map_BHW), trained.maps_BHW)
    assert model.metadata.signature.inputs.inputs[0].shape == (-1, 101, 101)
    example = mlflow.models.Model.load("models:/salt/1").load_input_example("models:/salt/1")
    assert model.predict(np.asarray(example, np.uint8)).shape == (1, 101, 101)
    with pytest.raises(mlflow.exceptions.MlflowException, match="uint8"):
        model.predict(trained.images_BHW.astype(np.float64))

    (version,) = client.search_model_versions("name = 'salt'")
    run = client.get_run(str(version.run_id))
    assert version.tags["salt.run"] == run.data.tags["salt.run"] == "first"
    assert run.info.status == "FINISHED"
    assert "4 networks" in str(version.description)

    client.set_registered_model_alias("salt", "champion", "1")
    with opened_bundle("models:/salt@champion") as bundle:
        np.save(tmp_path / "a.npy", trained.images_BHW[0])
        assert apply([str(tmp_path / "a.npy")], bundle, str(tmp_path / "out")) == []
        folder = bundle.folder
    assert not folder.exists()


def test_a_second_report_of_a_run_makes_no_second_version(trained: Trained, client: MlflowClient) -> None:
    assert register("first", str(trained.bundle)) == register("first", str(trained.bundle))
    assert register("second", str(trained.bundle)) == {"registered_model": "salt/2"}
    assert len(client.search_model_versions("name = 'salt'")) == 2


def test_without_a_server_nothing_is_registered_and_nothing_fails(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert register("first", str(trained.bundle)) == {}
    assert not caplog.records
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(tracking, "JOB_PATIENCE", 0)
    with caplog.at_level(logging.WARNING, "salt_pipeline"):
        assert register("first", str(trained.bundle)) == {}
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("salt_pipeline")]
    assert [line.removeprefix(NOTICE).split(":")[0] for line in warnings] == [
        "MLflow is unreachable, its records are kept for later",
        "not recorded in MLflow",
    ]
