"""The trained ensemble for arrays in memory: the maps and masks that `salt predict` writes for the same array."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.labelled import one_grey_level, without_salt
from salt_pipeline.components.core.metric import to_masks
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.inference.ensemble_model import EnsembleModel
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.sources import Rows, Source, open_source
from salt_pipeline.components.inference.tiles import STRIDE, predict_bands


@dataclass(frozen=True)
class Prediction:
    """What was found in an array; both parts have its shape.

    Attributes:
        probability: Probability of salt by pixel, float32, in steps of 1/255.
        mask: 1 is salt, uint8.
    """

    probability: NDArray[np.float32]
    mask: NDArray[np.uint8]


class ArrayModel:
    """A trained ensemble, loaded once.

    Args:
        bundle: The trained ensemble.

    Attributes:
        bundle: Its document: threshold, smallest area, scores, versions.

    Raises:
        SaltError: If a network cannot be loaded.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._model = EnsembleModel(bundle)

    def predict(
        self, array: NDArray[Any], *, percentiles: tuple[float, float] | None = None, stride: int = STRIDE
    ) -> Prediction:
        """Finds salt in a section or picture (H, W), or in several of one size (B, H, W); rows are time or depth.

        As in `salt predict`: an array of uint8 holds grey levels; the values of any other type are scaled, each section
        by itself. An image of 101 x 101 is predicted in one piece, any other in overlapping tiles.

        Args:
            array: Integers or floats.
            percentiles: Percentiles of a section's values that become black and white; None keeps grey levels, and
                gives amplitudes the grey levels of the training images.
            stride: Most pixels from one tile to the next.

        Raises:
            SaltError: If the array has another number of dimensions or type, or holds a number that is not finite, or
                if an option is out of range.
        """
        if percentiles and not 0 <= percentiles[0] < percentiles[1] <= 100:
            expected = "two ascending numbers from 0 to 100"
            raise SaltError("are out of range", field="percentiles", found=percentiles, expected=expected)
        if not 1 <= stride <= SIDE:
            raise SaltError("is out of range", field="stride", found=stride, expected=f"1 to {SIDE}")
        array = np.asarray(array)
        if array.ndim not in (2, 3) or not array.size:
            shape = " x ".join(map(str, array.shape)) or "a single number"
            raise SaltError("wrong shape", field="array", found=shape, expected="(H, W) or (B, H, W)")
        scaling = Scaling(percentiles, self.bundle.training_levels)
        sections = [self._section(section, scaling, stride) for section in array.reshape(-1, *array.shape[-2:])]
        maps, masks = (np.stack(parts).reshape(array.shape) for parts in zip(*sections, strict=True))
        return Prediction(np.divide(maps, 255, dtype=np.float32), masks)

    def _section(
        self, section: NDArray[Any], scaling: Scaling, stride: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Map and mask of a section, read back from a file as `salt predict` reads it."""
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "array.npy")
            np.save(path, section, allow_pickle=False)
            source = open_source(path, scaling)
            rows = source.open()
            if section.shape == (SIDE, SIDE):
                return self._image(rows)
            return self._large(source, rows, stride)

    def _image(self, rows: Rows) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        image_BHW = rows.read(0, SIDE)[None]
        maps_BHW = self._model.predict(image_BHW)
        maps_BHW[:, rows.is_null(0, SIDE)] = 0
        masks_BHW = to_masks(maps_BHW, self.bundle.threshold, self.bundle.min_area)
        return maps_BHW[0], without_salt(masks_BHW, one_grey_level(image_BHW))[0]

    def _large(self, source: Source, rows: Rows, stride: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        bands = predict_bands(source, rows, self._model.predict, stride, self._model.batch_size)
        map_HW = np.concatenate([band_HW for _, band_HW, _ in bands])
        map_HW[rows.is_null(0, source.height)] = 0
        return map_HW, to_masks(map_HW[None], self.bundle.threshold, 0)[0]
