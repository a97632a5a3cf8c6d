"""The bundle as MLflow's registry serves it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.inference.ensemble_model import EnsembleModel


class BundleModel:
    """Maps images.

    Args:
        path: The bundle's folder.
    """

    def __init__(self, path: str) -> None:
        self.model = EnsembleModel(open_bundle(path))

    def predict(self, model_input: NDArray[np.uint8], params: dict[str, Any] | None = None) -> NDArray[np.float32]:
        """Maps images (B, 101, 101) of grey levels, uint8, to probabilities of salt by pixel, float32.

        Raises:
            ValueError: If the images are of another shape or type.
        """
        del params
        image_BHW = np.asarray(model_input)
        if image_BHW.dtype != np.uint8 or image_BHW.shape[1:] != (SIDE, SIDE):
            raise ValueError(f"expected uint8 (B, {SIDE}, {SIDE}), found {image_BHW.dtype} {image_BHW.shape}")
        return np.divide(self.model.predict(image_BHW), 255, dtype=np.float32)


def _load_pyfunc(path: str) -> BundleModel:
    """Loads the model; MLflow calls this name with the path of the model's data."""
    return BundleModel(path)
