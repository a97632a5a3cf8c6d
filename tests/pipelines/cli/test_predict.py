"""`salt predict` and `salt export-onnx`: their arguments, messages and exit codes."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.main import app
from tests.components.inference.segy_files import amplitudes, write_segy
from tests.components.trained import Trained


@pytest.fixture
def picture(trained: Trained, tmp_path: Path) -> Path:
    Image.fromarray(trained.images_BHW[0]).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def salt(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


def test_the_exit_code_is_0_when_every_image_is_predicted(trained: Trained, picture: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "line.npy", np.random.default_rng(0).normal(0, 9000, (120, 130)).astype(">i4"))
    done = salt(
        "predict",
        picture,
        tmp_path / "line.npy",
        "--model",
        trained.bundle,
        "--out",
        tmp_path / "out",
        "--stride",
        101,
        "--percentiles",
        2,
        98,
    )
    assert done.exit_code == 0, done.output
    assert np.load(tmp_path / "out" / "maps" / "line.npy").shape == (120, 130)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"masks", "maps", "overlays", "predictions.csv"}


def test_the_exit_code_is_1_and_a_file_that_is_not_an_image_is_named(
    trained: Trained, picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "b.png").write_text("no image")
    done = salt("predict", tmp_path, "--model", trained.bundle, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "salt: error: " in done.stderr
    assert "b.png: cannot be read as an image" in done.stderr
    assert (tmp_path / "out" / "masks" / "a.png").is_file()


def test_the_options_of_volumes_reach_their_reader(trained: Trained, tmp_path: Path) -> None:
    write_segy(tmp_path / "a.sgy", amplitudes(8, 30), [1] * 4 + [2] * 4, [1, 2, 3, 4] * 2, places=(9, 21))
    np.save(tmp_path / "b.npy", np.full((3, 40, 20), 5, np.float32))
    options = ["--inline-byte", 9, "--crossline-byte", 21, "--null", "7", "--transpose"]
    files = [tmp_path / "a.sgy", tmp_path / "b.npy"]
    done = salt("predict", *files, "--model", trained.bundle, "--out", tmp_path / "out", *options)
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "out" / "masks").glob("a*")} == {"a-inline1.png", "a-inline2.png"}
    assert Image.open(tmp_path / "out" / "masks" / "b-inline0.png").size == (20, 40)
    whole = salt("predict", files[0], "--model", trained.bundle, "--out", tmp_path / "whole", "--ignore-geometry")
    assert whole.exit_code == 0, whole.output
    assert Image.open(tmp_path / "whole" / "masks" / "a.png").size == (8, 30)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["predict", "a.sgy", "--inline-byte", "190"], "--inline-byte: no field of a trace header begins there"),
        (["predict", "a.png", "--null", "nan"], "--null: is not a number (found 'nan'"),
        (["predict", "a.png", "--percentiles", "90", "10"], "must be two ascending numbers"),
    ],
)
def test_invalid_arguments_are_reported(trained: Trained, words: list[str], problem: str, tmp_path: Path) -> None:
    done = salt(*words, "--model", trained.bundle, "--out", tmp_path)
    assert isinstance(done.exception, SaltError)
    assert problem in str(done.exception)


def test_the_model_of_one_job_is_exported(trained: Trained, tmp_path: Path) -> None:
    done = salt("export-onnx", "--model", trained.model, "--out", tmp_path / "model.onnx")
    assert done.exit_code == 0, done.output
    assert "differ from torch's by" in done.output
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    assert session.run(None, {"image": trained.images_BHW})[0].shape == trained.images_BHW.shape
