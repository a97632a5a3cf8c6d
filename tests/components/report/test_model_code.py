"""Two registered versions in one process: MLflow alone would run the code of the first for both."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.report.model_code import ROOT, copy_code, served_modules
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


def changed_code(folder: Path, module: str, old: str, new: str) -> Path:
    """Copies the components, with a change in one module."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    source = (folder / module).read_text()
    assert old in source
    (folder / module).write_text(source.replace(old, new))
    return folder


def test_two_versions_in_one_process_each_run_their_own_code(trained: Trained, tmp_path: Path) -> None:
    first, second = (write_model(tmp_path / name, trained) for name in ("first", "second"))
    changed = changed_code(tmp_path / "changed", "inference/pyfunc.py", "np.divide(", "7 + np.divide(")
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


def test_the_name_changes_only_with_the_code_that_is_served(tmp_path: Path) -> None:
    name = copy_code(tmp_path / "code")
    assert copy_code(tmp_path / "again") == name
    served = changed_code(tmp_path / "served", "core/blend.py", "import", "import  ")
    assert copy_code(tmp_path / "other", served) != name
    not_served = changed_code(tmp_path / "not_served", "train_fold/trainer.py", "import", "import  ")
    assert copy_code(tmp_path / "same", not_served) == name


def test_only_what_the_served_model_imports_is_copied(tmp_path: Path) -> None:
    copy = tmp_path / copy_code(tmp_path) / "components"
    copied = {path.relative_to(copy).as_posix() for path in copy.rglob("*.py")}
    assert {"inference/pyfunc.py", "network/unet.py", "core/bundle.py", "core/config/__init__.py"} <= copied
    assert {name.split("/")[0] for name in copied} == {"__init__.py", "core", "inference", "network"}
    assert "inference/apply.py" not in copied


def test_imports_of_every_form_are_followed(tmp_path: Path) -> None:
    modules = {
        "inference/pyfunc.py": "import numpy\nfrom salt_pipeline.components.core import one\n",
        "core/one.py": "def late():\n    import salt_pipeline.components.core.two\n",
        "core/two.py": "from salt_pipeline.components.core.one import late\n",
        "core/three.py": "",
    }
    for name, code in modules.items():
        Path(tmp_path, name).parent.mkdir(exist_ok=True)
        Path(tmp_path, name).write_text(code)
    assert served_modules(tmp_path) == {Path("inference/pyfunc.py"), Path("core/one.py"), Path("core/two.py")}
