"""A trained model as a folder: model.safetensors and its sidecar model.json. Nothing is unpickled."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.model_document import VERSION, Sidecar, read_sidecar
from salt_pipeline.components.core.regular_file import check_regular
from salt_pipeline.components.network.tensor_file import write_tensors
from salt_pipeline.components.network.tensors import check_finite, check_tensors
from salt_pipeline.components.network.unet import SaltNet

PACKAGES = ("salt-pipeline", "torch", "segmentation-models-pytorch", "timm", "safetensors", "numpy")
"""Packages whose versions the sidecar records."""


def save_model(folder: str, weights: dict[str, Tensor], architecture: ModelConfig, facts: dict[str, Any]) -> None:
    """Writes weights and sidecar.

    Args:
        folder: Where to write; it is created if it does not exist.
        weights: The state dict.
        architecture: The network's part of the configuration.
        facts: Further entries of the sidecar: encoder, fold, hashes, score.

    Raises:
        SaltError: If a weight is not finite, or a file cannot be written.
    """
    path = Path(folder, "model.safetensors")
    check_finite(weights, path)
    write_tensors(path, weights)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sidecar = {"version": VERSION, "architecture": architecture.model_dump(mode="json"), "sha256": digest, **facts}
    write_json(Path(folder, "model.json"), {**sidecar, "versions": {name: version(name) for name in PACKAGES}})


def load_model(folder: str, device: torch.device) -> tuple[SaltNet, dict[str, Any]]:
    """Builds the network a folder describes and loads its weights.

    Returns:
        The network, in evaluation mode on the device, and the sidecar.

    Raises:
        SaltError: If a file is missing, was altered, is of another version, or holds a weight that is not finite.
    """
    return load_files(Path(folder, "model.safetensors"), Path(folder, "model.json"), device)


def load_files(weights: Path, sidecar: Path, device: torch.device) -> tuple[SaltNet, dict[str, Any]]:
    """As `load_model`, from two files of any name.

    Raises:
        SaltError: As `load_model`.
    """
    described, facts = read_sidecar(sidecar)
    try:
        check_regular(weights.stat().st_mode, weights)  # a pipe may never answer
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != described.sha256:
            raise SaltError("was altered: its SHA-256 is not the sidecar's", file=weights)
        model = _build(described, sidecar)
        state = load_file(weights)
        check_tensors(state, model.state_dict(), weights)
        model.load_state_dict(state)
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror or error}", file=weights) from error
    except (SafetensorError, RuntimeError) as error:
        raise SaltError("cannot be loaded", file=weights, found=str(error).splitlines()[0]) from error
    return model.eval().to(device).to(memory_format=torch.channels_last), facts


def _build(described: Sidecar, file: Path) -> SaltNet:
    try:
        return SaltNet(described.encoder, described.architecture)
    except SaltError as error:
        field = "encoder" if error.field == "encoders" else error.field
        raise SaltError(error.problem, file=file, field=field, found=error.found, expected=error.expected) from error
