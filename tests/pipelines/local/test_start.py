from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.start import DEFAULT, plan_run
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.local.begun import begun


def test_a_run_of_an_archive_that_does_not_exist_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match="no such archive"):
        plan_run(tmp_path / "run", "absent.zip", preset=None, changes=[])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("preset", "changes", "said"),
    [
        (None, ["train.epochs=7"], "--set: holds a run of another configuration"),
        ("cpu", [], "--preset: holds a run of another preset"),
    ],
)
def test_a_run_resumes_only_as_it_began(tmp_path: Path, preset: str | None, changes: list[str], said: str) -> None:
    (tmp_path / "survey.zip").touch()
    begun(tmp_path / "run", str(tmp_path / "survey.zip"), DEFAULT, preset_config(DEFAULT))
    with pytest.raises(SaltError, match=said):
        plan_run(tmp_path / "run", None, preset=preset, changes=changes)
