"""Named tensors that do not fit, or hold a number that is not finite, are named; all others pass."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.tensors import check_finite, check_tensors

WANTED = {"weight": torch.full((2, 3), torch.nan), "bias": torch.zeros(2), "steps": torch.tensor(7)}


def fitting(**changes: Tensor) -> dict[str, Tensor]:
    """Tensors that fit those wanted, in another order, with changes."""
    return {"steps": torch.tensor(0), "bias": torch.ones(2), "weight": torch.ones(2, 3)} | changes


def problem(found: dict[str, Tensor]) -> str:
    with pytest.raises(SaltError) as caught:
        check_tensors(found, WANTED, "w.safetensors")
    return str(caught.value)


def test_tensors_fit_in_any_order_and_with_any_finite_numbers() -> None:
    check_tensors(fitting(), WANTED, "w.safetensors")
    check_tensors({}, {}, "w.safetensors")


def test_a_missing_tensor_is_named_before_one_that_is_not_wanted() -> None:
    found = fitting(more=torch.ones(1))
    del found["bias"], found["weight"]
    counts = "(found 2 tensors, expected 3 tensors)"
    assert problem(found) == f"w.safetensors: weight: tensor is missing {counts}"


@pytest.mark.parametrize(
    ("name", "tensor", "sides"),
    [
        ("weight", torch.ones(3, 2), "found float32 (3, 2), expected float32 (2, 3)"),
        ("bias", torch.ones(2, dtype=torch.float16), "found float16 (2,), expected float32 (2,)"),
        ("steps", torch.tensor([0]), "found int64 (1,), expected int64 ()"),
    ],
)
def test_a_tensor_of_another_shape_or_type_is_named_with_both(name: str, tensor: Tensor, sides: str) -> None:
    text = problem(fitting(**{name: tensor}))
    assert text == f"w.safetensors: {name}: tensor does not fit this network ({sides})"


def test_an_unknown_name_is_shown_on_one_line_and_not_all_of_it() -> None:
    found = fitting() | {"x\n" * 50: torch.ones(1)}
    escaped = "x\\n" * 40
    assert problem(found) == f"w.safetensors: {escaped}: unexpected tensor (found 4 tensors, expected 3 tensors)"


def test_tensors_that_fit_must_be_finite_too() -> None:
    text = problem(fitting(bias=torch.tensor([1, torch.inf])))
    assert text.startswith("w.safetensors: bias: the weights hold numbers that are not finite (found inf, 1 of 2 ")


def test_the_first_tensor_that_is_not_finite_is_named_with_its_first_such_number() -> None:
    weights = {
        "good": torch.ones(3),
        "bad": torch.tensor([1, -torch.inf, torch.nan], dtype=torch.bfloat16),
        "worse": torch.full((3,), torch.nan),
    }
    with pytest.raises(SaltError) as caught:
        check_finite(weights, "w.pth")
    assert str(caught.value) == (
        "w.pth: bad: the weights hold numbers that are not finite "
        "(found -inf, 2 of 3 numbers, expected no NaN, no infinity)"
    )


def test_whole_numbers_and_tensors_without_numbers_are_finite() -> None:
    weights = {"steps": torch.tensor(2**62), "mask": torch.tensor([True, False]), "empty": torch.zeros(0, 3)}
    check_finite(weights, "w.pth")


@given(st.lists(st.floats(width=32), min_size=1, max_size=9))
def test_every_number_is_looked_at(numbers: list[float]) -> None:
    weights = {"a": torch.tensor(numbers, dtype=torch.float32)}
    wrong = [number for number in numbers if not math.isfinite(number)]
    if not wrong:
        check_finite(weights, "w.pth")
        return
    with pytest.raises(SaltError, match=rf"found {wrong[0]}, {len(wrong)} of {len(numbers)} numbers"):
        check_finite(weights, "w.pth")
