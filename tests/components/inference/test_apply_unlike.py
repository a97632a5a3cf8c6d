"""Images that are unlike the training images are warned about, and have their number in the table."""

import csv
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.bundle_document import Bundle, Range
from salt_pipeline.components.inference.apply import apply
from tests.components.inference.segy_files import write_segy
from tests.components.trained import Trained


@pytest.fixture
def bundle(trained: Trained) -> Bundle:
    """A bundle that knows ranges: slow waves from the top down, of middling grey."""
    ranges = {
        "median": Range(low=90.0, median=120.0, high=150.0),
        "vertical_frequency": Range(low=0.02, median=0.05, high=0.1),
    }
    return open_bundle(trained.bundle).model_copy(update={"training_ranges": ranges})


def waves(height: int, width: int, frequency: float = 0.05) -> np.ndarray:
    """Amplitudes (rows are times) of one frequency, with a little noise."""
    noise_HW = np.random.default_rng(0).normal(0, 5, (height, width))
    return (100 * np.sin(2 * np.pi * frequency * np.arange(height))[:, None] + noise_HW).astype(np.float32)


def grey(values_HW: np.ndarray) -> np.ndarray:
    return (120 + 0.5 * values_HW).astype(np.uint8)


def unlike_fractions(out: Path) -> dict[str, str]:
    with (out / "predictions.csv").open(newline="") as file:
        return {Path(row["file"]).name: row["unlike_fraction"] for row in csv.DictReader(file)}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_each_kind_of_file_is_compared_with_the_training_images(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, frequency in (("like", 0.05), ("unlike", 0.2)):
        values_HW = waves(150, 130, frequency)
        np.save(tmp_path / f"{name}.npy", values_HW)
        np.save(tmp_path / f"{name}-cube.npy", values_HW.T[None])
        write_segy(tmp_path / f"{name}.sgy", values_HW.T).rename(tmp_path / f"{name}-line.sgy")
        Image.fromarray(grey(waves(101, 101, frequency))).save(tmp_path / f"{name}-tile.png")
        Image.fromarray(grey(values_HW)).save(tmp_path / f"{name}-picture.png")
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    assert apply(files, bundle, str(tmp_path / "out")) == []
    found = unlike_fractions(tmp_path / "out")
    assert {name for name, fraction in found.items() if name.startswith("like") and fraction == "0.0"} == {
        *("like.npy", "like-cube.npy", "like-line.sgy", "like-tile.png", "like-picture.png")
    }
    assert [fraction for name, fraction in found.items() if name.startswith("unlike")] == ["1.0"] * 5
    *named, others = warnings(caplog)
    assert len(named) == 3
    for message in named:
        assert "unlike" in message.split(": ")[0]
        assert "mean vertical frequency (cycles per pixel) 0.199 (training: 0.02 to 0.1)" in message
    assert others == "5 images are unlike the training images: see unlike_fraction in predictions.csv"


def test_arrays_and_pictures_whose_rows_are_traces_are_turned_before_they_are_compared(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.save(tmp_path / "line.npy", waves(150, 130).T)
    Image.fromarray(grey(waves(101, 101)).T).save(tmp_path / "tile.png")
    Image.fromarray(grey(waves(150, 130)).T).save(tmp_path / "picture.png")
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    assert apply(files, bundle, str(tmp_path / "out"), transposed=True) == []
    assert set(unlike_fractions(tmp_path / "out").values()) == {"0.0"}
    assert warnings(caplog) == []
    assert apply(files, bundle, str(tmp_path / "other")) == []
    assert set(unlike_fractions(tmp_path / "other").values()) == {"1.0"}
    assert len(warnings(caplog)) == 3


def test_a_bundle_without_ranges_compares_nothing(
    trained: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.save(tmp_path / "line.npy", waves(150, 130, 0.4))
    bundle = open_bundle(trained.bundle)
    assert bundle.training_ranges is None  # of 18 images
    assert apply([str(tmp_path / "line.npy")], bundle, str(tmp_path / "out")) == []
    assert unlike_fractions(tmp_path / "out") == {"line.npy": ""}
    assert warnings(caplog) == []
