"""The Python API: its examples run, it equals the command line, and importing it costs nothing."""

import doctest
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import salt_pipeline
from salt_pipeline import api
from salt_pipeline.components.core.errors import SaltError

if TYPE_CHECKING:
    from tests.components.trained import Trained

FAST = ["decode", "encode", "load_bundle", "score", "train_fold"]


def run_example(name: str) -> None:
    """Runs the example in the docstring of a function, in the current folder."""
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(api, name), name, module=api)
    assert example.examples
    failed, _ = doctest.DocTestRunner().run(example)
    assert not failed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files that examples name."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FAST)
def test_the_example_of_a_function_runs(name: str, folder: Path, trained: "Trained") -> None:
    (folder / "bundle").symlink_to(trained.bundle)
    for table in ("dataset.parquet", "folds.parquet"):
        (folder / table).symlink_to(trained.folder / table)
    run_example(name)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_example_of_a_run_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from salt_pipeline.components.ingest.synth import write_survey

    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "SALT_"))]:
        monkeypatch.delenv(name)
    write_survey("survey.zip", labelled=12, test=3, seed=1)
    run_example("run")
    assert api.run("survey.zip", "runs/first", preset="smoke", changes=["train.epochs=1"]).is_dir()  # it resumes
    with pytest.raises(SaltError, match=r"runs/first: --set: holds a run of another configuration"):
        api.run("survey.zip", "runs/first", preset="smoke", changes=["train.epochs=2"])


def test_every_public_name_has_an_example_and_a_line_in_the_docs() -> None:
    assert sorted([*FAST, "run"]) == salt_pipeline.__all__
    page = (Path(__file__).parents[1] / "docs/api.md").read_text()
    for name in salt_pipeline.__all__:
        assert getattr(salt_pipeline, name) is getattr(api, name)
        assert f"`salt_pipeline.{name}(" in page
    assert set(salt_pipeline.__all__) < set(dir(salt_pipeline))
    with pytest.raises(AttributeError, match="'absent'"):
        _ = salt_pipeline.absent


def test_a_bundle_names_the_version_that_trained_it(trained: "Trained") -> None:
    assert api.load_bundle(trained.bundle).bundle.versions["salt-pipeline"] == version("salt-pipeline")


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import salt_pipeline; "
        "print({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names); "
        "salt_pipeline.encode, salt_pipeline.run, salt_pipeline.load_bundle; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'salt_pipeline'}\nFalse\n"


def test_masks_that_are_not_masks_are_refused() -> None:
    good = np.zeros((2, 5, 5), bool)
    assert api.encode(good) == ["", ""]
    for bad, said in ((good[0], r"masks: wrong shape \(found \(5, 5\)"), (good + 254, "neither 0 nor 1 .found 254")):
        with pytest.raises(SaltError, match=said):
            api.encode(bad)
    with pytest.raises(SaltError, match="masks, truth: shapes differ"):
        api.score(good, good[:1])
