"""The hash changes with a module that computes a training, and with nothing else."""

import shutil
from pathlib import Path

import pytest

from salt_pipeline.components.train_fold import training_code
from salt_pipeline.components.train_fold.training_code import COMPONENTS, LIBRARIES, code_hash


@pytest.mark.parametrize(
    ("changed", "differs"),
    [("network/unet.py", True), ("train_fold/losses.py", True), ("core/metric.py", True), ("report/stage.py", False)],
)
def test_other_sources_are_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, differs: bool
) -> None:
    before = code_hash()
    copy = tmp_path / "components"
    shutil.copytree(COMPONENTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(training_code, "COMPONENTS", copy)
    assert code_hash.__wrapped__() == before
    with (copy / changed).open("a") as file:
        file.write("# changed\n")
    assert (code_hash.__wrapped__() != before) == differs


def test_another_version_of_a_library_is_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_code, "library_versions", lambda: dict.fromkeys(LIBRARIES, "1.0"))
    assert code_hash.__wrapped__() != code_hash()
