"""Checks of named tensors before they are loaded into a network or an optimiser."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.weights_file import NOT_FINITE


def check_tensors(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], file: str | Path) -> None:
    """Checks that exactly the wanted tensors were found, by name, shape and type, and that their numbers are finite.

    Args:
        found: The tensors of a file.
        wanted: Tensors of the same names, shapes and types; their numbers do not matter.
        file: Where they were found, for messages.

    Raises:
        SaltError: Naming the file and the first tensor that is missing, of another shape or type, unknown, not finite,
            or a negative variance.
    """
    counts = {"found": f"{len(found)} tensors", "expected": f"{len(wanted)} tensors"}
    for name, tensor in wanted.items():
        if name not in found:
            raise SaltError("tensor is missing", file=file, field=name, **counts)
        if _kind(found[name]) != _kind(tensor):
            raise SaltError(
                "tensor does not fit this network",
                file=file,
                field=name,
                found=_kind(found[name]),
                expected=_kind(tensor),
            )
    unknown = next((name for name in found if name not in wanted), None)
    if unknown is not None:
        raise SaltError("unexpected tensor", file=file, field=repr(unknown[:80])[1:-1], **counts)
    check_finite(found, file)
    for name, tensor in found.items():
        if name.endswith("running_var") and (tensor < 0).any():
            raise SaltError("holds a negative variance", file=file, field=name, found=tensor.min().item())


def check_finite(weights: Mapping[str, Tensor], file: str | Path) -> None:
    """Checks that no number is NaN or infinite: a network with such a weight predicts the same for every image.

    Raises:
        SaltError: Naming the file and the first tensor that holds one.
    """
    for name, values in weights.items():
        if not values.isfinite().all():
            bad = values[~values.isfinite()]
            found = f"{bad[0].item()}, {len(bad)} of {values.numel()} numbers"
            raise SaltError(NOT_FINITE, file=file, field=name, found=found, expected="no NaN, no infinity")


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
