"""Safetensors files that are complete, and files that are damaged or of another kind."""

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.weights_file import check_weights


def test_weights_are_checked_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": np.zeros((4, 5), np.float16), "b": np.zeros((), np.int64), "c": np.zeros((0, 2))}, path)
    check_weights(path)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_other_file_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    for data in (content, struct.pack("<Q", len(content)) + content):
        path.write_bytes(data)
        with pytest.raises(SaltError, match="not a safetensors file"):
            check_weights(path)


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {"a": {"dtype": "OBJ", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": ["0", 8.0]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 8]}},
        {"a": {"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [float("nan")], "data_offsets": [0, 8]}},
        {"a": []},
        {"__metadata__": {"format": "pt"}},
        [],
    ],
)
def test_tensors_that_do_not_fill_the_file_are_refused(tmp_path: Path, header: object) -> None:
    text = json.dumps(header).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(SaltError, match="not a safetensors file") as caught:
        check_weights(path)
    assert "\n" not in str(caught.value)


def test_a_deeply_nested_header_is_refused(tmp_path: Path) -> None:
    text = b"[" * 200_000
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(SaltError, match=r"is damaged \(found a header that is nested too deeply"):
        check_weights(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.safetensors")
    with pytest.raises(SaltError, match=r"a\.safetensors: is not a regular file"):
        check_weights(tmp_path / "a.safetensors")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, kind: type[np.floating], value: float) -> None:
    path = tmp_path / "a.safetensors"
    largest = np.full((2, 3), np.finfo(kind).max, kind)
    save_file({"a": largest, "b": np.full(3, -1, np.int32)}, path)
    check_weights(path)
    save_file({"a": largest, "b.weight": np.array([0, value], kind)}, path)
    with pytest.raises(SaltError, match=r"a\.safetensors: b\.weight: the weights hold numbers that are not finite"):
        check_weights(path)


@pytest.mark.parametrize(("bits", "finite"), [(0x7F7F, True), (0x7F80, False), (0xFFC0, False)])
def test_bfloat16_is_read_too(tmp_path: Path, bits: int, *, finite: bool) -> None:
    header = json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<H", bits))
    if finite:
        check_weights(path)
    else:
        with pytest.raises(SaltError, match="not finite"):
            check_weights(path)
