"""The exported network computes what torch computes, for any number of images."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.inputs import to_image, to_input
from salt_pipeline.components.network.model_file import load_model, save_model
from salt_pipeline.components.network.onnx_file import TOLERANCE, export
from tests.components.network.tiny import ENCODER, HASH, images, network

FACTS = {"encoder": ENCODER, "fold": 0, "config_hash": "c0de", "data_hash": HASH}


@pytest.mark.parametrize(
    "options",
    [{}, {"fit": "pad", "input_size": 128, "stem_stride": 1}, {"fit": "pad", "input_size": 104}, {"gate": False}],
)
def test_gives_torchs_probabilities(tmp_path: Path, options: dict[str, Any]) -> None:
    net = network(**options)
    weights = {key: value * 30 if key.startswith("columns") else value for key, value in net.state_dict().items()}
    save_model(str(tmp_path / "model"), weights, net.config, FACTS)
    assert export(str(tmp_path / "model"), tmp_path / "model.onnx") <= TOLERANCE
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    model, _ = load_model(str(tmp_path / "model"), torch.device("cpu"))
    for count in (1, 5):
        image_BHW, _ = images(count, seed=3)
        map_BHW, salt_B = session.run(None, {"image": image_BHW})
        with torch.inference_mode():
            logit_B1HW, logit_B = model(to_input(torch.from_numpy(image_BHW), net.config))
        wanted_BHW = to_image(logit_B1HW, net.config).sigmoid().numpy()
        assert wanted_BHW.std() > 0.005
        np.testing.assert_allclose(map_BHW, wanted_BHW, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(salt_B, logit_B.sigmoid().numpy(), atol=TOLERANCE, rtol=0)


def test_a_model_that_is_not_there_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match=r"model\.json: cannot be read"):
        export(str(tmp_path / "none"), tmp_path / "model.onnx")
    net = network()
    save_model(str(tmp_path / "model"), net.state_dict(), net.config, FACTS)
    (tmp_path / "taken").write_text("")
    with pytest.raises(SaltError, match=r"model\.onnx: cannot be written"):
        export(str(tmp_path / "model"), tmp_path / "taken" / "model.onnx")
