"""`salt promote`, on a registry in an SQLite file beside the runs."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.promote import promote
from tests.components.report.registry import Registry


@pytest.fixture
def registry(no_cluster: None, tmp_path: Path, survey: SimpleNamespace, empty_mlflow: Path) -> Registry:
    shutil.copy(empty_mlflow, tmp_path)
    return Registry(tmp_path, survey)


def test_the_code_says_whether_it_was_promoted(
    registry: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add("first", wrong=2)
    registry.add("worse", wrong=20)
    promote(str(registry.home / "first"), registry.survey.dataset)
    with pytest.raises(typer.Exit) as ended:
        promote(str(registry.home / "worse"), registry.survey.dataset)
    assert ended.value.exit_code == 1
    monkeypatch.chdir(registry.home / "worse")
    with pytest.raises(typer.Exit):
        promote(".", registry.survey.dataset)
    first, worse, _ = capsys.readouterr().out.splitlines()
    assert first == "version 1: promoted to champion: there was no champion"
    assert worse.startswith("version 2: not promoted: -0.")
    promote(str(registry.home / "worse"), registry.survey.dataset, force=True)
    assert registry.alias("champion") == "2"


def test_without_images_or_a_registered_model_nothing_changes(registry: Registry) -> None:
    registry.add("first", wrong=2)
    with pytest.raises(SaltError, match="--dataset: is missing"):
        promote(str(registry.home / "first"))
    registry.client.delete_model_version("salt", "1")
    with pytest.raises(SaltError, match="first-1a2b3c: RUN: has no registered model"):
        promote(str(registry.home / "first"), registry.survey.dataset)
    assert registry.alias("champion") is None
