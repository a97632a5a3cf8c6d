"""Writes safetensors files, byte for byte as the library does.

The library's own writer fills a temporary file of a name that we do not know: a kill leaves it behind for ever, and on
a full disk the error is one of the library. It also lets nobody but the owner read the result.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from salt_pipeline.components.core.files import atomic_path

_NAMES = {
    torch.float64: "F64",
    torch.int64: "I64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The types' names in the file, in the order in which it holds them: the widest first, so that all are aligned."""

_ORDER = {kind: place for place, kind in enumerate(_NAMES)}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes tensors atomically; one at a time is copied to the host, and laid out row by row.

    Args:
        path: The file.
        tensors: The tensors by name, on any device.
        metadata: Texts to keep in the file.

    Raises:
        SaltError: If the file cannot be written; the previous one stays.
    """
    ordered = sorted(tensors.items(), key=lambda item: (_ORDER[item[1].dtype], item[0]))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, tensor in ordered:
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with atomic_path(path) as part, part.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in ordered:
            file.write(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
