import json
from pathlib import Path

import pytest
from kfp.dsl import Artifact, Metrics

from salt_pipeline.components.core.artifacts import describe, log_metrics
from salt_pipeline.components.core.errors import SaltError


def test_an_artifact_has_a_name_its_duration_and_its_facts() -> None:
    artifact = Artifact(name="oof", uri="x", metadata={"kept": "yes"})
    describe(artifact, "f0 a oof", encoder="a", fold="0")
    for key in ("stage_seconds", "cpu_seconds"):
        seconds = artifact.metadata.pop(key)
        assert float(seconds) >= 0
        assert isinstance(seconds, str), "KFP turns numbers into floats"
    assert artifact.metadata == {
        "kept": "yes",
        "display_name": "f0 a oof",
        "encoder": "a",
        "fold": "0",
    }


def test_scores_are_in_the_metadata_and_in_the_file(tmp_path: Path) -> None:
    metrics = Metrics(name="metrics", uri=str(tmp_path / "new" / "metrics"))
    describe(metrics, "report scores")
    log_metrics(metrics, {"score": 0.8, "epochs": 3})
    assert json.loads((tmp_path / "new" / "metrics").read_text()) == {"score": 0.8, "epochs": 3}
    assert metrics.metadata["score"] == 0.8
    assert metrics.metadata["display_name"] == "report scores"


def test_scores_that_cannot_be_written_are_a_salt_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaltError, match=r"metrics: cannot be written"):
        log_metrics(Metrics(name="metrics", uri=str(tmp_path / "file" / "metrics")), {"score": 0.8})
