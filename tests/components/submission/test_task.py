import json
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Artifact, Dataset, Metrics, Model

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.submission.component import submission
from tests.artifacts import config_artifact
from tests.components.submission.conftest import CONFIG, World


def call(world: World) -> list[Any]:
    kinds = {"csv": Artifact, "choice": Artifact, "metrics": Metrics, "bundle": Model}
    outputs = [kind(uri=world.path(f"out/{name}")) for name, kind in kinds.items()]
    inputs = [Dataset(uri=world.path(f"{name}.parquet")) for name in ("dataset", "folds", "oof", "test")]
    models = [Model(uri=folder) for folder in world.write_models(parse_config(CONFIG))]
    submission.python_func(*inputs, models, config_artifact(Path(world.path("")), CONFIG), *outputs)
    return outputs


def test_outputs_are_described_and_scores_logged(world: World) -> None:
    csv, choice, metrics, bundle = call(world)
    assert csv.metadata["display_name"] == "submission.csv"
    assert choice.metadata["display_name"] == "choice"
    assert metrics.metadata["display_name"] == "submission scores"
    assert bundle.metadata["display_name"] == "model bundle"
    assert len(open_bundle(bundle.path).members) == 6
    assert Path(csv.path).read_text().startswith("id,rle_mask\n")
    scores = json.loads(Path(metrics.path).read_text())
    assert metrics.metadata["score"] == scores["score"] == json.loads(Path(choice.path).read_text())["score"]


def test_an_error_of_the_user_is_reported_without_a_traceback(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Path(world.path("test.parquet")).unlink()
    with pytest.raises(SystemExit, match="2"):
        call(world)
    assert "test.parquet: not found" in capsys.readouterr().err
