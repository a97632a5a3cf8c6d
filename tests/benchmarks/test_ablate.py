"""A study whose trainings have finished prints its table."""

from pathlib import Path

import pytest

from benchmarks.ablate import study
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.inputs import prepare
from tests.pipelines.sweep.finished import BASE, trained, write_images


def test_a_study_appends_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = [*BASE, "submission.min_area=0"]
    write_images(tmp_path)
    prepare("one.zip", [preset_config("cpu", base)], tmp_path)
    trained(tmp_path, "submission.min_area=0", widths=[40] * 8, seconds=10)
    trained(tmp_path, "submission.min_area=0", "model.gate=false", widths=[50] * 8, seconds=20)

    page = tmp_path / "study.md"
    study(Path("one.zip"), tmp_path, "cpu", base, ["model.gate=false"], title="The gate", append=page)

    text = page.read_text()
    assert capsys.readouterr().out == text
    assert text.startswith("\n### The gate\n")
    assert "| base | 0.6000 | | | | | 10 |\n" in text
    assert "| `model.gate=false` | 1.0000 | +0.4000 | +0.4000 to +0.4000 | 8 | 0 | 20 |\n" in text
