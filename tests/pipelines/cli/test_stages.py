from pathlib import Path

from salt_pipeline.components.ingest.synth import write_survey
from tests.pipelines.command import fails, salt


def test_a_preset_as_json_is_a_configuration_for_the_stages(tmp_path: Path) -> None:
    write_survey(str(tmp_path / "survey.zip"), labelled=20, test=10, seed=1)
    _, out, _ = salt("presets", "smoke")
    (tmp_path / "mine.json").write_text(out)
    config = ["--config", tmp_path / "mine.json"]
    assert salt("ingest", "--data", tmp_path / "survey.zip", "--out", tmp_path, *config)[0] == 0
    assert salt("fold-split", "--dataset", tmp_path / "dataset.parquet", "--out", tmp_path, *config)[0] == 0
    assert (tmp_path / "folds.parquet").is_file()


def test_missing_inputs_of_a_stage_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "dataset.parquet"
    assert str(missing) in fails("fold-split", "--dataset", missing, "--out", tmp_path)
    assert "mine.json" in fails("ingest", "--data", "x", "--out", tmp_path, "--config", tmp_path / "mine.json")
    assert str(missing) in fails("predict-fold", "--dataset", missing, "--model", tmp_path, "--out", tmp_path)
    assert not list(tmp_path.iterdir())
