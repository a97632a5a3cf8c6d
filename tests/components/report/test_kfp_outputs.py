from kfp.dsl import HTML, Artifact, ClassificationMetrics, Markdown, Metrics

from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.report.kfp_outputs import describe_outputs


def test_every_artifact_has_a_name_and_the_main_numbers_as_strings(reported, tmp_path):
    made, values = reported
    kinds = {"results": Artifact, "card": Markdown, "page": HTML, "metrics": Metrics}
    artifacts = {
        name: kind(name=name, uri=str(tmp_path / name))
        for name, kind in {**kinds, "classification": ClassificationMetrics}.items()
    }
    artifacts["results"] = Artifact(name="results", uri=str(made.folder / "metrics.json"))
    describe_outputs(**artifacts, values=values, facts={"mlflow_run_id": "abc"})
    names = [artifact.metadata["display_name"] for artifact in artifacts.values()]
    assert names == [
        "report numbers", "model card", "report", "report scores", "salt or no salt",
    ]  # fmt: skip
    low, high = values["score_low"], values["score_high"]
    expected = {
        "score": f"{values['score']:.4f}",
        "score_interval": f"{low:.4f} to {high:.4f}",
        "threshold": "0.450",
        "min_area": "200 px",
        "images": "40",
        "data_hash": "feedfacecafebeef",
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
