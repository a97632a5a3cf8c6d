"""The complete ensemble as one ONNX file: all networks, the mirror images and the weights of the blend."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.inference.ensemble_model import EnsembleModel
from salt_pipeline.components.network.onnx_file import TOLERANCE, Exported, check_packages, write_checked

ROUNDING = 1 / 255
"""What the bundle's rounding changes at most: half a grey level of each network's map, and half of the blend's."""


class ExportedEnsemble(nn.Module):
    """What the file computes: images (B, 101, 101) of grey levels, uint8, to the blended probabilities.

    Args:
        model: The trained ensemble.
    """

    def __init__(self, model: EnsembleModel) -> None:
        super().__init__()
        members = [(name, network) for name, of_one in model.encoders.items() for network, _ in of_one]
        self.networks = nn.ModuleList(Exported(network) for _, network in members)
        self.weights = [model.weights[name] for name, _ in members]
        self.flip_tta = model.bundle.flip_tta

    def forward(self, image_BHW: Tensor) -> Tensor:
        """Gives probabilities of salt by pixel (B, 101, 101), float32, which are not rounded."""
        maps = [
            weight * self._map(network, image_BHW) for weight, network in zip(self.weights, self.networks, strict=True)
        ]
        return torch.stack(maps).sum(0)

    def _map(self, network: nn.Module, image_BHW: Tensor) -> Tensor:
        map_BHW: Tensor = network(image_BHW)[0]
        if not self.flip_tta:
            return map_BHW
        mirrored_BHW: Tensor = network(image_BHW.flip(2))[0]
        return (map_BHW + mirrored_BHW.flip(2)) / 2


def export_ensemble(bundle: Bundle, out: str | Path) -> float:
    """Writes the file, and compares its results in onnxruntime with the bundle's own maps of synthetic images.

    The bundle computes them in float32, as the file does. By `amp` it may compute in bfloat16 elsewhere, where its maps
    differ by a few grey levels.

    Args:
        bundle: The trained ensemble.
        out: The file to write.

    Returns:
        The largest difference of probabilities; the bundle rounds its own, so it is up to 1 / 255.

    Raises:
        SaltError: If a network cannot be loaded, the packages of the extra `onnx` are missing, or the results differ.
    """
    check_packages()
    model = EnsembleModel(bundle.model_copy(update={"amp": "off"}), torch.device("cpu"))

    def wanted(image_BHW: np.ndarray) -> list[np.ndarray]:
        return [np.divide(model.predict(image_BHW), 255, dtype=np.float32)]

    return write_checked(ExportedEnsemble(model).eval(), ["map"], out, wanted, ROUNDING + TOLERANCE)
