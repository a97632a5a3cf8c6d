"""Networks as an ONNX file, for programs without torch."""

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.network.inputs import input_axis, normalise, sample, square_grid, to_image
from salt_pipeline.components.network.model_file import load_model
from salt_pipeline.components.network.unet import SaltNet

OPSET = 17

TOLERANCE = 1e-4
"""Largest allowed difference from torch's probabilities; one level of a uint8 map is 4e-3."""


class Exported(nn.Module):
    """What the file computes: images (B, 101, 101) of grey levels, uint8, to probabilities.

    Args:
        network: The trained network.
    """

    def __init__(self, network: SaltNet) -> None:
        super().__init__()
        self.network, self.config = network, network.config

    def forward(self, image_BHW: Tensor) -> tuple[Tensor, Tensor]:
        """Gives probabilities of salt by pixel (B, 101, 101), and of any salt by image (B,), float32."""
        # Sampled as channels of one image: a grid for each image would fix their number.
        grid_1HW2 = square_grid(input_axis(self.config, image_BHW.device), 1)
        x_B1HW = sample(image_BHW[None].float() / 255, grid_1HW2).transpose(0, 1)
        logit_B1HW, salt_B = self.network(normalise(x_B1HW, self.config))
        return to_image(logit_B1HW, self.config).sigmoid(), salt_B.sigmoid()


def export(model: str, out: str | Path) -> float:
    """Writes one job's network, and compares the results of onnxruntime and torch on synthetic images.

    Args:
        model: Folder of a trained model.
        out: The file to write.

    Returns:
        The largest difference of probabilities.

    Raises:
        SaltError: If the model cannot be loaded, the packages of the extra `onnx` are missing, or the results differ.
    """
    check_packages()
    network, _ = load_model(model, torch.device("cpu"))
    exported = Exported(network).eval()

    def wanted(image_BHW: np.ndarray) -> list[np.ndarray]:
        with torch.inference_mode():
            return [result.numpy() for result in exported(torch.from_numpy(image_BHW))]

    return write_checked(exported, ["map", "salt"], out, wanted, TOLERANCE)


def check_packages() -> None:
    """Checks that what writes and runs ONNX is installed.

    Raises:
        SaltError: If it is not.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise SaltError(f"{error.name} is not installed: pip install 'salt-pipeline[onnx]'") from None


def write_checked(
    exported: nn.Module,
    outputs: list[str],
    out: str | Path,
    wanted: Callable[[np.ndarray], list[np.ndarray]],
    tolerance: float,
) -> float:
    """Writes a file, and compares what onnxruntime computes with it on synthetic images.

    Args:
        exported: From images (B, 101, 101) of grey levels, uint8, to the outputs.
        outputs: Their names.
        out: The file to write; it is not written if the results differ.
        wanted: Computes the outputs for images.
        tolerance: Largest allowed difference.

    Returns:
        The largest difference.

    Raises:
        SaltError: If it is above the tolerance.
    """
    import onnx
    import onnxruntime

    random = np.random.default_rng(0)
    sample_BHW = np.stack([_waves(random) for _ in range(3)])
    with atomic_path(out) as part:
        content = _content(exported, outputs)
        onnx.checker.check_model(content)
        part.write_bytes(content)
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        found = session.run(None, {"image": sample_BHW})
        worst = max(float(np.abs(a - b).max()) for a, b in zip(found, wanted(sample_BHW), strict=True))
        if not worst <= tolerance:  # which nan is not
            raise SaltError("differs from torch", file=out, found=f"{worst:.1e}", expected=f"{tolerance:.0e} at most")
    return worst


def _content(exported: nn.Module, outputs: list[str]) -> bytes:
    buffer = BytesIO()  # torch takes no name that is not UTF-8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shapes are fixed on purpose; torch's newer exporter needs two more packages
        torch.onnx.export(
            exported,
            (torch.zeros(2, SIDE, SIDE, dtype=torch.uint8),),
            buffer,  # type: ignore[arg-type]  # the documentation allows it
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in ("image", *outputs)},
        )
    return buffer.getvalue()


def _waves(random: np.random.Generator) -> np.ndarray:
    """An image (101, 101) of bent layers with noise, uint8."""
    y, x = np.mgrid[:SIDE, :SIDE]
    layers = np.sin(y / random.uniform(3, 9) + 2 * np.sin(x / random.uniform(20, 60)))
    return (128 + 60 * layers + random.normal(0, 15, layers.shape)).clip(0, 255).astype(np.uint8)
