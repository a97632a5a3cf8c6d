import numpy as np
import pytest

from salt_pipeline.components.inference.pyfunc import BundleModel, _load_pyfunc
from tests.components.trained import Trained


@pytest.fixture(scope="module")
def model(trained: Trained) -> BundleModel:
    return _load_pyfunc(str(trained.bundle))


def test_it_returns_the_maps_of_the_pipeline_as_probabilities(trained: Trained, model: BundleModel) -> None:
    probability_BHW = model.predict(trained.images_BHW)
    assert probability_BHW.dtype == np.float32
    np.testing.assert_array_equal(probability_BHW, trained.maps_BHW.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((1, 101, 101), np.float32), r"float32 \(1, 101, 101\)"),
        (np.zeros((1, 128, 101), np.uint8), r"uint8 \(1, 128, 101\)"),
        (np.zeros((101, 101), np.uint8), r"uint8 \(101, 101\)"),
    ],
)
def test_images_of_another_type_or_shape_are_refused(model: BundleModel, images: np.ndarray, found: str) -> None:
    with pytest.raises(ValueError, match=rf"expected uint8 \(B, 101, 101\), found {found}"):
        model.predict(images)
