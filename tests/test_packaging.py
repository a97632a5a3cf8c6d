"""The installed project: a wheel with one top-level name, whose command runs in any folder; and what is compiled."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON_FILES = sorted(
    f"salt_pipeline/{path.relative_to(ROOT)}"
    for folder in ("components", "pipelines")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".j2", ".yaml")
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    source = out / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "salt_pipeline", "components", "pipelines"):
        subprocess.run(["cp", "-a", ROOT / name, source / name], check=True)  # keeps the symbolic links
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--offline"]
    subprocess.run([*command, "--python", sys.executable, "--out-dir", out, source], check=True)
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_has_one_top_level_name_and_every_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == {"salt_pipeline"}
    assert set(names) == {*PYTHON_FILES, "salt_pipeline/__init__.py", "salt_pipeline/py.typed"}


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


@pytest.mark.parametrize(("forbidden", "compiles"), [("1", True), ("", False)])
def test_setup_compiles_the_packages_where_python_may_not_keep_bytecode(forbidden: str, compiles: bool) -> None:
    command = ["make", "--dry-run", "--always-make", ".venv/.installed"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": forbidden}
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in shown.splitlines() if line.endswith("-r requirements.lock")]
    assert ("--compile-bytecode" in line) == compiles
