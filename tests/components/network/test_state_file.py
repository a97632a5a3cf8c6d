"""The state dict in a file from elsewhere: which of its entries are tensors of a network, and what else it may be."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.state_file import read_state, some_names

ONES = torch.ones(2, dtype=torch.float16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "w.pth"


def problem(path: Path) -> str:
    """Why a file is refused."""
    with pytest.raises(SaltError) as caught:
        read_state(path, "weights")
    begin, end = "weights: cannot be read as weights: ", " (expected a state dict of tensors)"
    text = str(caught.value)
    assert text.startswith(begin)
    assert text.endswith(end)
    return text.removeprefix(begin).removesuffix(end)


def nested(*names: str) -> dict[str, Any]:
    """A state dict within the entries of these names, the first of them outermost."""
    content: dict[str, Any] = {"a": ONES}
    for name in reversed(names):
        content = {name: content, "epoch": 3}
    return content


@pytest.mark.parametrize("kind", ["torch", "torch of 2018", "safetensors"])
def test_a_file_without_an_ending_is_read_with_the_types_of_its_tensors(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "weights"
    if kind == "safetensors":
        save_file({"a": ONES}, path)
    else:
        torch.save({"a": ONES}, path, _use_new_zipfile_serialization=kind == "torch")
    state = read_state(path)
    assert state.keys() == {"a"}
    assert state["a"].dtype == ONES.dtype
    assert torch.equal(state["a"], ONES)


@pytest.mark.parametrize("names", [(), ("model",), ("state_dict", "model_state_dict"), ("model",) * 4])
def test_up_to_four_wrappers_are_taken_off(path: Path, names: tuple[str, ...]) -> None:
    torch.save(nested(*names), path)
    assert read_state(path).keys() == {"a"}


def test_a_fifth_wrapper_is_not_taken_off(path: Path) -> None:
    torch.save(nested(*["model"] * 5), path)
    assert problem(path) == "it holds no named tensors, but entries named model, epoch"


def test_of_several_wrappers_the_state_dict_counts(path: Path) -> None:
    torch.save({"model": {"a": ONES}, "model_state_dict": {"b": ONES}, "state_dict": {"c": ONES}}, path)
    assert read_state(path).keys() == {"c"}


def test_a_tensor_of_a_wrappers_name_is_a_tensor(path: Path) -> None:
    torch.save({"model": ONES, "state_dict": ONES}, path)
    assert read_state(path).keys() == {"model", "state_dict"}


def test_entries_that_are_no_named_tensors_are_left_out(path: Path) -> None:
    torch.save({"a": ONES, "epoch": 3, 7: ONES, "more": [ONES]}, path)
    assert read_state(path).keys() == {"a"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "it is empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "it is an HDF5 file, as Keras writes it"),
        (
            b"\xef\xbb\xbf \n<!DOCTYPE HTML>",
            "it is an HTML page, perhaps that of a login or an error: download the file itself",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "it is a Git LFS pointer in place of the file: `git lfs pull` fetches it",
        ),
    ],
)
def test_a_file_of_another_kind_is_told_with_what_to_do(path: Path, content: bytes, kind: str) -> None:
    path.write_bytes(content)
    assert problem(path) == kind


def write_zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "text")


def test_a_torchscript_program_is_told(path: Path) -> None:
    write_zip(path, "w/data.pkl", "w/code/__torch__.py")
    assert problem(path) == "it is a TorchScript program: save the model's state_dict() alone"


def test_a_zip_with_a_damaged_list_of_files_is_told(path: Path) -> None:
    write_zip(path, "w/data.pkl", "w/version")
    before, last = path.read_bytes().rsplit(b"PK\x01\x02", 1)
    path.write_bytes(before + b"PK\x01\x00" + last)
    assert problem(path) == "it is a damaged zip file"


def test_a_torch_file_named_as_safetensors_is_no_safetensors_file(tmp_path: Path) -> None:
    torch.save({"a": ONES}, tmp_path / "w.safetensors")
    assert problem(tmp_path / "w.safetensors").startswith("it is a damaged safetensors file, or none at all")


def test_a_missing_file_is_named_as_the_caller_says(path: Path) -> None:
    field = "model.encoder_weights: no such weights file (expected imagenet, none, file)"
    for named, shown in (("s3://bucket/w.pth", "s3://bucket/w.pth"), (None, str(path))):
        with pytest.raises(SaltError) as caught:
            read_state(path, named)
        assert str(caught.value) == f"{shown}: {field}"


def test_a_file_that_the_system_does_not_let_us_read_is_named() -> None:
    with pytest.raises(SaltError, match=r"^/proc/self/mem: cannot be read: Input/output error$"):
        read_state(Path("/proc/self/mem"))


def test_the_first_three_names_are_shown() -> None:
    assert some_names(["a", "b", "c"]) == "a, b, c"
    assert some_names(["a", "b", "c", "d"]) == "a, b, c, ..."
    assert some_names(["a\n", "x" * 61]) == f"'a\\n', '{'x' * 60}'"


@given(st.lists(st.text()))
def test_any_names_are_shown_on_one_line(names: list[str]) -> None:
    assert some_names(names).isprintable()


def test_a_zip_with_a_name_that_is_not_utf_8_is_told(path: Path) -> None:
    write_zip(path, "wü/data.pkl")
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xff\xfe"))
    assert problem(path) == "it is a damaged zip file"
