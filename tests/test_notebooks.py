"""The notebooks run as they stand, but for the values of their cell of parameters; they are kept without outputs."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.wheel import ROOT, build_wheel

FOLDER = ROOT / "notebooks"
ENCODER = '{"name": "tu-tf_efficientnet_lite0", "weight": 1}'


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_holds_no_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)
    assert [cell["metadata"].get("tags") for cell in code].count(["parameters"]) == 1
    assert notebook["metadata"].keys() == {"kernelspec", "language_info"}


def execute(name: str, folder: Path, **parameters: Any) -> str:
    """Executes a notebook with other parameters, and returns all that it printed."""
    import nbclient
    import nbformat

    notebook = nbformat.read(FOLDER / name, as_version=4)
    place = next(i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    known = {line.partition(" = ")[0] for line in notebook.cells[place].source.splitlines()}
    assert parameters.keys() <= known
    given = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(given))
    nbclient.NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_as_on_kaggle_and_a_walk_through_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from salt_pipeline.components.ingest.synth import write_survey

    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "SALT_"))]:
        monkeypatch.delenv(name)
    wheels, installed = tmp_path / "wheels", tmp_path / "installed"
    wheels.mkdir()
    build_wheel(wheels)
    # pip installs the wheel into a folder of its own: the environment of the tests stays as it is.
    monkeypatch.setenv("PIP_TARGET", str(installed))
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    monkeypatch.setenv("PYTHONPATH", str(installed))
    write_survey(str(tmp_path / "survey.zip"), labelled=16, test=5, seed=2)

    changes = ["train.epochs=1", f"encoders=[{ENCODER}]"]
    places = {"WHEELS": str(wheels), "ARCHIVE": str(tmp_path / "survey.zip"), "WORKING": str(tmp_path)}
    said = execute("kaggle.ipynb", tmp_path, **places, PRESET="smoke", CHANGES=changes)
    assert (installed / "salt_pipeline/api.py").is_file()
    assert "submission.csv 5 images" in said
    assert len((tmp_path / "submission.csv").read_text().splitlines()) == 6

    said = execute("run_folder.ipynb", tmp_path, RUN=str(tmp_path / "run"))
    assert "tu-tf_efficientnet_lite0" in said
    assert "(16, 101, 101)" in said
