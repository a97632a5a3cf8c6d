"""The ensemble's ONNX file gives the bundle's maps, up to the bundle's own rounding."""

from pathlib import Path

import numpy as np
import onnxruntime

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.inference.ensemble_model import EnsembleModel
from salt_pipeline.components.inference.onnx_ensemble import export_ensemble
from tests.components.trained import Trained


def test_the_file_gives_the_maps_of_the_bundle(trained: Trained, tmp_path: Path) -> None:
    bundle = open_bundle(str(trained.bundle))
    assert bundle.flip_tta
    assert len({member.weight for member in bundle.members}) > 1
    plain_BHW = EnsembleModel(bundle.model_copy(update={"flip_tta": False})).predict(trained.images_BHW)
    assert np.abs(plain_BHW.astype(float) - trained.maps_BHW).max() > 2, "a file without mirror images would be noticed"
    out = tmp_path / "ensemble.onnx"
    in_any_type = bundle.model_copy(update={"amp": "auto"})  # the file has float32 all the same
    assert export_ensemble(in_any_type, out) <= 1.1 / 255
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    for image_BHW, map_BHW in (
        (trained.images_BHW, trained.maps_BHW),
        (trained.images_BHW[:1, :, ::-1], trained.maps_BHW[:1, :, ::-1]),  # by the mirror image the map is mirrored
    ):
        [found_BHW] = session.run(None, {"image": np.ascontiguousarray(image_BHW)})
        np.testing.assert_allclose(255 * found_BHW, map_BHW, atol=1.03, rtol=0)
