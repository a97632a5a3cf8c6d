"""Ranges that settings draw from: which texts are ranges, what is refused, and what is drawn."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import SHOWN, plain_number
from salt_pipeline.pipelines.sweep.ranges import EXAMPLE, KINDS, Range, parse_range

KEY = "train.learning_rate"
MOST = 2**53 - 1


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    kind = draw(st.sampled_from(KINDS))
    numbers = {
        "uniform": st.floats(-1e9, 1e9),
        "log": st.floats(1e-12, 1e9),
        "int": st.integers(-MOST, MOST).map(float),
    }
    one, other = draw(numbers[kind]), draw(numbers[kind])
    assume(one != other)
    return Range(kind, min(one, other), max(one, other))


@given(ranges())
def test_a_range_with_its_bounds_as_texts_is_read_as_the_same_range(found: Range) -> None:
    low, high, *between = found.examples
    assert parse_range(KEY, f"{found.kind}({low},{high})") == found
    assert all(found.low <= plain_number(value) <= found.high for value in between)


@given(ranges(), st.integers(0, 2**32 - 1))
def test_what_is_drawn_lies_between_the_bounds_and_has_four_digits(found: Range, seed: int) -> None:
    text = found.draw(random.Random(seed))
    assert text == found.draw(random.Random(seed))
    assert found.low <= plain_number(text) <= found.high
    if found.kind == "int":
        assert text == str(int(text))
    else:
        assert text in found.examples or plain_number(text) == float(f"{plain_number(text):.4g}")


def test_blanks_signs_and_short_forms_of_the_bounds_are_read() -> None:
    assert parse_range(KEY, "uniform( .25 , +5. )") == Range("uniform", 0.25, 5)
    assert parse_range(KEY, "int(-3,2.0)") == Range("int", -3, 2)
    assert parse_range(KEY, f"int(0,{MOST})") == Range("int", 0, MOST)


@pytest.mark.parametrize(
    "text", ["", "0.5", "plateau", "uniform", "[1,2]", "(1,2)", "gauss(0,1)", "Log(1,2)", "a int(1,2)"]
)
def test_any_other_value_is_no_range(text: str) -> None:
    assert parse_range(KEY, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "uniform(1,0)",
        "uniform(0.5,0.5)",
        "log(0,1)",
        "log(-1,1)",
        "int(2,2.5)",
        f"int(0,{MOST + 1})",
        f"int({-MOST - 1},0)",
        "uniform(0)",
        "uniform(0,1,2)",
        "uniform(,1)",
        "uniform( ,1)",
        "uniform(0,nan)",
        "uniform(0,1e999)",
        "int(1,1_000)",
        "int(２,8)",
        "uniform(0,(1))",
        "uniform(0,1",
        "uniform(0,1) ",
        "log (1e-4,1e-2)",
    ],
)
def test_a_range_that_is_misspelt_or_empty_is_refused(text: str) -> None:
    with pytest.raises(SaltError) as refused:
        parse_range(KEY, text)
    assert str(refused.value) == f"--set: {KEY}: is not a range (found {text!r}, expected {EXAMPLE})"


def test_of_a_long_text_the_beginning_is_shown() -> None:
    text = f"uniform({'1' * SHOWN})"
    with pytest.raises(SaltError) as refused:
        parse_range(KEY, text)
    assert refused.value.found == repr(text[:SHOWN])


def test_a_rounded_value_does_not_leave_the_range() -> None:
    found = Range("uniform", 0.0, 0.99996)
    assert [found.rounded(value) for value in (0.123456, 0.99996, -0.5)] == ["0.1235", "0.99996", "0.0"]


def test_whole_numbers_have_both_bounds_and_log_has_as_many_values_in_each_decade() -> None:
    draw = random.Random(0)
    assert {Range("int", 2, 4).draw(draw) for _ in range(100)} == {"2", "3", "4"}
    lower = {
        kind: sum(float(Range(kind, 1e-4, 1e-2).draw(draw)) < 1e-3 for _ in range(1000)) for kind in ("log", "uniform")
    }
    assert 400 < lower["log"] < 600
    assert 0 < lower["uniform"] < 200
