from dataclasses import fields
from pathlib import Path

from kfp.dsl import HTML, Artifact, ClassificationMetrics, Markdown, Metrics

from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.kfp_outputs import Outputs, describe_outputs
from tests.components.report.conftest import Made


def test_every_artifact_has_a_name_and_the_main_scores_as_strings(
    reported: tuple[Made, dict[str, float]], tmp_path: Path
) -> None:
    made, values = reported
    outputs = Outputs(
        results=Artifact(name="results", uri=str(made.folder / "metrics.json")),
        card=Markdown(name="card", uri=str(tmp_path / "card")),
        page=HTML(name="page", uri=str(tmp_path / "page")),
        metrics=Metrics(name="metrics", uri=str(tmp_path / "metrics")),
        classification=ClassificationMetrics(name="classification", uri=str(tmp_path / "classification")),
    )
    describe_outputs(outputs, values, {"mlflow_run_id": "abc"})
    artifacts = {field.name: getattr(outputs, field.name) for field in fields(outputs)}
    names = [artifact.metadata["display_name"] for artifact in artifacts.values()]
    assert names == ["report numbers", "model card", "report", "report scores", "salt or no salt"]
    low, high = values["score_low"], values["score_high"]
    expected = {
        "score": f"{values['score']:.4f}",
        "score_interval": f"{low:.4f} to {high:.4f}",
        "threshold": "0.450",
        "min_area": "200 px",
        "images": "40",
        "data_hash": made.data_hash,
        "config_hash": made.config_hash,
        "synthetic": "false",
        "mlflow_run_id": "abc",
    }
    scalars = artifacts.pop("metrics").metadata
    assert {key: scalars[key] for key in values} == values
    assert scalars["mlflow_run_id"] == "abc"
    for artifact in artifacts.values():
        assert {key: artifact.metadata[key] for key in expected} == expected
    found = read_json(made.folder / "metrics.json")["classification"]
    rows = artifacts["classification"].metadata["confusionMatrix"]["rows"]
    assert [row["row"] for row in rows] == found["by_classifier"]
    assert read_json(tmp_path / "classification") == found
