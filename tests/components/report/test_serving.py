"""The registered model behind `mlflow models serve`, and the champion in the image's own server."""

import json
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.report.register import register
from tests.components.trained import Trained
from tests.scoring import ScoringServer, assert_same_maps
from tests.servers import MlflowServer

SERVERS = {
    "mlflow": ["-m", "mlflow", "models", "serve", "--env-manager", "local", "-m", "models:/salt@champion", "--port"],
    "salt": ["-m", "salt_pipeline.pipelines.cli.main", "serve", "--model", "models:/salt@champion", "--port"],
}


@pytest.mark.slow
@pytest.mark.parametrize("program", SERVERS)
def test_the_champion_is_served(
    program: str, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MlflowServer(tmp_path) as registry:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.address)
        assert register("first", str(trained.bundle)) == {"registered_model": "salt/1"}
        MlflowClient(registry.address).set_registered_model_alias("salt", "champion", "1")
        with ScoringServer([sys.executable, *SERVERS[program]], tmp_path / "log.txt") as server:
            status, answer = server.post(json.dumps({"inputs": trained.images_BHW.tolist()}).encode())
    assert status == 200
    assert_same_maps(answer, trained.maps_BHW)
