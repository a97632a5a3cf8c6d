"""`salt predict` scales amplitudes to the grey levels of the bundle's training images, and so does `load_bundle`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import salt_pipeline
from salt_pipeline.components.core.files import content_hash
from salt_pipeline.pipelines.cli.main import app
from tests.components.inference.segy_files import amplitudes, read_segy, write_segy
from tests.components.trained import Trained

LEVELS = (60, 190)


@pytest.fixture
def bundle(trained: Trained, tmp_path: Path) -> Path:
    """A bundle of these grey levels."""
    shutil.copytree(trained.bundle, tmp_path / "bundle")
    document = json.loads((tmp_path / "bundle/bundle.json").read_text())
    assert document["training_levels"] is None  # of 18 images
    document = {key: value for key, value in document.items() if key != "hash"} | {"training_levels": LEVELS}
    (tmp_path / "bundle/bundle.json").write_text(json.dumps({**document, "hash": content_hash(document)}))
    return tmp_path / "bundle"


def expected(values_HW: np.ndarray, dark: float, light: float) -> np.ndarray:
    """Grey levels, so that the percentiles 1 and 99 become dark and light."""
    low, high = np.percentile(values_HW.astype(float), (1, 99))
    return np.rint((dark + (values_HW - low) * (light - dark) / (high - low)).clip(0, 255)).astype(np.uint8)


def predicted(folder: Path, bundle: Path, *options: str) -> dict[str, np.ndarray]:
    """Probability of each file in a folder, as round(255 p), rows are times."""
    out = folder.parent / "-".join(["out", bundle.parent.name, *options])
    done = CliRunner().invoke(app, ["predict", str(folder), "--model", str(bundle), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    found = {path.stem: np.load(path) for path in (out / "maps").glob("*.npy")}
    return found | {"segy": np.rint(read_segy(out / "probability" / "segy.sgy").T * 255).astype(np.uint8)}


def test_amplitudes_get_the_grey_levels_of_the_training_images(trained: Trained, bundle: Path, tmp_path: Path) -> None:
    values_HW, folder = amplitudes(130, 101).T.copy(), tmp_path / "files"
    folder.mkdir()
    np.save(folder / "amplitudes.npy", values_HW)
    np.save(folder / "levels.npy", expected(values_HW, *LEVELS))
    np.save(folder / "black_and_white.npy", expected(values_HW, 0, 255))
    write_segy(folder / "segy.sgy", values_HW.T)

    found = predicted(folder, bundle)
    assert np.array_equal(found["amplitudes"], found["levels"])
    assert abs(found["segy"].astype(int) - found["amplitudes"]).max() <= 1  # the same batches in another order
    in_memory = salt_pipeline.load_bundle(bundle).predict(values_HW).probability
    assert np.array_equal(np.rint(in_memory * 255).astype(np.uint8), found["amplitudes"])

    without = predicted(folder, trained.bundle)
    assert np.array_equal(without["amplitudes"], found["black_and_white"])
    assert not np.array_equal(without["amplitudes"], found["amplitudes"])
    chosen = predicted(folder, bundle, "--percentiles", "1", "99")
    assert np.array_equal(chosen["amplitudes"], without["amplitudes"])
    assert np.array_equal(chosen["segy"], without["segy"])
