"""Reads the state dict in a file from elsewhere. Only tensors and plain containers are unpickled, never code."""

import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from salt_pipeline.components.core.errors import SaltError

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Entries of a training's checkpoint that hold the state dict."""

_NESTED = 4
"""Most wrappers around one another."""

_OTHERS = {
    b"version https://git-lfs": "a Git LFS pointer in place of the file: `git lfs pull` fetches it",
    b"<!doctype html": "an HTML page, perhaps that of a login or an error: download the file itself",
    b"<html": "an HTML page, perhaps that of a login or an error: download the file itself",
    b"<?xml": "an XML document, perhaps a store's message of an error: download the file itself",
    b"\x1f\x8b": "compressed with gzip: unpack it",
    b"\x89hdf": "an HDF5 file, as Keras writes it",
}
"""What a file is that begins with these bytes, in lower case, after blanks."""

_FOREIGN = re.compile(r"GLOBAL ([\w.]+)")
"""The class or function that torch refuses to unpickle."""


def read_state(path: Path, named: str | None = None) -> dict[str, Tensor]:
    """Reads a state dict from a safetensors or torch file, whatever its ending.

    Args:
        path: The file.
        named: How messages name it, if not by its path.

    Returns:
        The tensors by name, without the wrappers of a training's checkpoint.

    Raises:
        SaltError: If the file does not exist or holds no named tensors.
    """
    named = named or str(path)
    if not path.is_file():
        raise SaltError(
            "no such weights file", file=named, field="model.encoder_weights", expected="imagenet, none, file"
        )
    try:
        with path.open("rb") as file:
            head = file.read(512)
        other = _other_kind(path, head)
        content = None if other else _load(path, head)
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror}", file=named) from error
    except SaltError as error:
        raise _unreadable(named, error.problem) from error
    if other:
        raise _unreadable(named, f"it is {other}")
    state = _tensors_of(content)
    if not state:
        raise _unreadable(named, f"it holds no named tensors, but {_words(content)}")
    return state


def _unreadable(named: str, problem: str) -> SaltError:
    return SaltError(f"cannot be read as weights: {problem}", file=named, expected="a state dict of tensors")


def _other_kind(path: Path, head: bytes) -> str | None:
    """What the file is, if it is of a well-known kind that holds no weights."""
    if not head:
        return "empty"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    other = next((kind for begin, kind in _OTHERS.items() if text.startswith(begin)), None)
    if other or not zipfile.is_zipfile(path):
        return other
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):  # a name that is not the UTF-8 it claims to be
        return "a damaged zip file"
    if any("/code/" in name for name in names):
        return "a TorchScript program: save the model's state_dict() alone"
    if not any(name.endswith("/data.pkl") for name in names):
        return f"a zip of other files ({some_names(names)}): unpack it"
    return None


def _load(path: Path, head: bytes) -> Any:
    """Everything in the file, without running code of it."""
    if head[8:9] == b"{" or path.suffix == ".safetensors":
        try:
            return load_file(path)
        except OSError:
            raise
        except Exception as error:  # a type of tensors that torch does not have is no error of safetensors
            raise SaltError(f"it is a damaged safetensors file, or none at all ({error})") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises many kinds, with advice to unpickle code
        foreign = _FOREIGN.search(str(error))
        if foreign:
            problem = f"it holds Python objects ({foreign[1]}), which are never loaded: save the state_dict() alone"
        elif head.startswith(b"PK"):
            problem = "it is a damaged torch file"
        else:
            problem = f"it is neither a safetensors nor a torch file, and begins with {head[:16]!r}"
        raise SaltError(problem) from error


def _tensors_of(content: Any) -> dict[str, Tensor]:
    """The named tensors, without wrappers and without entries of other kinds."""
    for _ in range(_NESTED):
        if isinstance(content, Mapping):
            content = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    if not isinstance(content, Mapping):
        return {}
    return {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}


def _words(content: Any) -> str:
    """What was found in place of tensors."""
    if isinstance(content, Mapping):
        return f"entries named {some_names([str(key) for key in content])}" if content else "nothing"
    return f"an object of type {type(content).__name__}"


def some_names(names: list[str]) -> str:
    """The first few names, as a message shows them."""
    shown = [name if name.isprintable() and len(name) <= 60 else repr(name[:60]) for name in names[:3]]
    return ", ".join(shown) + (", ..." if len(names) > 3 else "")
