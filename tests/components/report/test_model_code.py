"""Two registered versions in one process: MLflow alone would run the code of the first for both."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.report.model_code import ROOT, copy_code
from salt_pipeline.components.report.register import write_pyfunc
from tests.components.trained import Trained

LOAD = """
import json, sys
import mlflow, numpy as np
models = [mlflow.pyfunc.load_model(path) for path in sys.argv[1:]]
images = np.full((1, 101, 101), 90, np.uint8)
print(json.dumps([float(model.predict(images).max()) for model in models]))
print(json.dumps(sorted(name for name in sys.modules if name == "salt_pipeline" or name.startswith("salt_pipeline."))))
"""


def write_model(folder: Path, trained: Trained) -> Path:
    folder.mkdir()
    write_pyfunc(folder, open_bundle(trained.bundle), "0" * 32)
    shutil.copytree(trained.bundle, folder / "bundle")
    return folder


def test_two_versions_in_one_process_each_run_their_own_code(trained: Trained, tmp_path: Path) -> None:
    first, second = (write_model(tmp_path / name, trained) for name in ("first", "second"))
    changed = tmp_path / "changed"
    shutil.copytree(ROOT, changed, ignore=shutil.ignore_patterns("__pycache__"))
    module = changed / "inference" / "pyfunc.py"
    source = module.read_text()
    assert "np.divide(" in source
    module.write_text(source.replace("np.divide(", "7 + np.divide("))
    shutil.rmtree(second / "code")
    package = copy_code(second / "code", changed)
    model = yaml.safe_load((second / "MLmodel").read_text())
    assert model["flavors"]["python_function"]["loader_module"] != f"{package}.components.inference.pyfunc"
    model["flavors"]["python_function"]["loader_module"] = f"{package}.components.inference.pyfunc"
    (second / "MLmodel").write_text(yaml.safe_dump(model))

    command = [sys.executable, "-c", LOAD, str(first), str(second)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    highest, installed = map(json.loads, done.stdout.strip().splitlines())
    assert highest[0] <= 1
    assert highest[1] == pytest.approx(7 + highest[0])
    assert installed == [], "a registered model needs nothing of an installed project"


def test_the_same_code_has_the_same_name(tmp_path: Path) -> None:
    assert copy_code(tmp_path / "a") == copy_code(tmp_path / "b")
