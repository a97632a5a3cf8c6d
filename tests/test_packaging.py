"""The installed project: a wheel with one top-level name, whose command runs in any folder; and what is compiled."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from salt_pipeline.components.core.container_image import image
from salt_pipeline.pipelines.images import _labels
from tests.wheel import ROOT, build_wheel

PYTHON_FILES = sorted(
    f"salt_pipeline/{path.relative_to(ROOT)}"
    for folder in ("components", "pipelines")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".j2", ".yaml")
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_one_top_level_name_and_every_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == {"salt_pipeline"}
    assert set(names) == {*PYTHON_FILES, *(f"salt_pipeline/{name}" for name in ("__init__.py", "api.py", "py.typed"))}


def test_the_installed_command_runs_in_any_folder(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import salt_pipeline, sys; from salt_pipeline.pipelines.cli.main import main;"
        f"assert salt_pipeline.__file__.startswith({str(tmp_path)!r}), salt_pipeline.__file__;"
        "sys.argv = ['salt', *sys.argv[1:]]; main()"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PYTHONPATH"] = str(tmp_path / "site")

    def salt(*words: str) -> str:
        command = [sys.executable, "-c", code, *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert "Usage: salt" in salt("--help")
    assert json.loads(salt("presets", "smoke"))["split"]["folds"] == 2
    salt("compile", "--out", "salt.yaml")
    assert "salt_pipeline.components.ingest.task" in (tmp_path / "salt.yaml").read_text()


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages: the wheel, and links to what it requires without any extra."""
    site = tmp_path_factory.mktemp("light")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (own,) = site.glob("*.dist-info")
    waiting: list[Distribution] = [Distribution.at(own)]
    known = {"salt-pipeline"}
    while waiting:
        wanted = [Requirement(line) for line in waiting.pop().requires or []]
        names = {one.name for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})} - known
        known |= names
        for found in map(distribution, names):
            for name in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
                if not (site / name).exists():
                    (site / name).symlink_to(str(found.locate_file(name)))
            waiting.append(found)
    return site


def light_salt(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-c", "from salt_pipeline.pipelines.cli.main import main; main()", *words]
    environment = {key: value for key, value in os.environ.items() if key.startswith(("PATH", "HOME", "LANG"))}
    environment["PYTHONPATH"] = str(site)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line_and_the_client_of_a_cluster_need_no_extra(light: Path, tmp_path: Path) -> None:
    for command in ("synth survey.zip", "check-data survey.zip", "submit --help", "compile --out salt.yaml"):
        done = light_salt(light, tmp_path, *command.split())
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    done = light_salt(light, tmp_path, "doctor", "--json")
    verdicts = {verdict["check"]: verdict for verdict in json.loads(done.stdout)}
    assert verdicts["Python"]["state"] == "ok"
    assert "missing: for train: mlflow" in verdicts["packages"]["found"]
    assert not (light / "torch").exists()


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        ("run --data .", "torch", "train"),
        ("sweep --data . --out ../rates --set train.epochs=[1,2]", "torch", "train"),
        ("train-fold --dataset a --folds b --encoder c --fold 0 --out o", "torch", "train"),
        ("fold-split --dataset a --out o", "sklearn", "train"),
        ("report --dataset a --folds b --job c --oof d --choice e --out o", "matplotlib", "train"),
        ("predict-fold --dataset a --model b --out o", "torch", "predict"),
        ("serve --model models:/a/1", "uvicorn", "predict"),
        ("predict a.png --model models:/a/1 --out o", "mlflow", "predict"),
        ("promote run", "mlflow", "train"),
        ("export-onnx --model a --out b", "torch", "onnx"),
        ("sweep --data . --out ../rates --set train.epochs=[1,2] --optuna 2", "optuna", "optuna"),
    ],
)
def test_a_command_without_its_packages_names_the_extra(
    light: Path, tmp_path: Path, command: str, package: str, extra: str
) -> None:
    done = light_salt(light, tmp_path, *command.split())
    expected = f"salt: error: {package} is not installed: pip install 'salt-pipeline[{extra}]'\n"
    assert (done.returncode, done.stderr) == (2, expected)


def test_every_place_states_the_same_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    shown = subprocess.run(
        [sys.executable, "-m", "salt_pipeline.pipelines.cli.main", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown == f"salt-pipeline {project}\n"
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == project
    assert f"\n## {project}\n" in (ROOT / "CHANGELOG.md").read_text()
    assert image("ingest").endswith(f":{project}")
    assert _labels()["org.opencontainers.image.version"] == project


@pytest.mark.parametrize(("forbidden", "compiles"), [("1", True), ("", False)])
def test_setup_compiles_the_packages_where_python_may_not_keep_bytecode(forbidden: str, compiles: bool) -> None:
    command = ["make", "--dry-run", "--always-make", ".venv/.installed"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": forbidden}
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in shown.splitlines() if line.endswith("-r requirements.lock")]
    assert ("--compile-bytecode" in line) == compiles
