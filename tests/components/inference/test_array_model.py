from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.inference.apply import apply
from salt_pipeline.components.inference.array_model import ArrayModel
from tests.components.trained import Trained


@pytest.fixture(scope="module")
def model(trained: Trained) -> ArrayModel:
    return ArrayModel(open_bundle(trained.bundle, verify=False))


@pytest.mark.parametrize(
    "kind", ["amplitudes", "null values", "grey levels", "smaller than a tile", "one image", "of one grey level"]
)
def test_an_array_is_predicted_as_its_file_is(model: ArrayModel, trained: Trained, tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(1)
    array = {
        "amplitudes": rng.normal(0, 1000, (130, 160)).astype(np.float32),
        "grey levels": np.tile(trained.images_BHW[0], (1, 2)),
        "smaller than a tile": rng.normal(size=(30, 101)),
        "one image": trained.images_BHW[1],
        "null values": np.where(np.arange(160) < 20, -999.25, rng.normal(0, 1000, (130, 160))).astype(np.float32),
        "of one grey level": np.full((101, 101), 7, np.uint8),
    }[kind]
    np.save(tmp_path / "array.npy", array)
    assert not apply([str(tmp_path / "array.npy")], model.bundle, str(tmp_path / "out"))
    found = model.predict(array)
    (written,) = (tmp_path / "out/maps").iterdir()
    levels = np.load(written) if written.suffix == ".npy" else np.asarray(Image.open(written))
    assert np.array_equal(np.rint(found.probability * 255).astype(np.uint8), levels)
    assert np.array_equal(found.mask * 255, np.asarray(Image.open(tmp_path / "out/masks/array.png")))
    assert found.probability.shape == found.mask.shape == array.shape


def test_several_images_are_each_predicted_by_themselves(model: ArrayModel, trained: Trained) -> None:
    found = model.predict(trained.images_BHW[:3])
    assert np.array_equal(found.probability[2], model.predict(trained.images_BHW[2]).probability)
    assert found.mask.shape == (3, 101, 101)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(5), r"array: wrong shape \(found 5, expected \(H, W\) or \(B, H, W\)\)"),
        (np.zeros((0, 5)), r"array: wrong shape \(found 0 x 5"),
        (np.full((4, 4), np.nan), "row 0, column 0: holds a number that is not finite"),
        (np.zeros((4, 4), complex), "wrong type .found complex128"),
    ],
)
def test_what_is_no_section_is_refused(model: ArrayModel, array: np.ndarray, said: str) -> None:
    with pytest.raises(SaltError, match=said):
        model.predict(array)


def test_options_out_of_range_are_refused(model: ArrayModel) -> None:
    array = np.zeros((4, 4))
    with pytest.raises(SaltError, match=r"percentiles: are out of range \(found \(99, 1\)"):
        model.predict(array, percentiles=(99, 1))
    with pytest.raises(SaltError, match=r"stride: is out of range \(found 0, expected 1 to 101\)"):
        model.predict(array, stride=0)
