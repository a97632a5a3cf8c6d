"""A plain finite number: what is read, and what Python or JSON would read and we do not."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import MAX_DEPTH, parse_json, plain_number

finite = st.floats(allow_nan=False, allow_infinity=False)

REFUSED = [
    "",
    " 1",
    "1\n",
    "1_000",
    "1_0.5",
    "１２",
    "٣",
    "1,5",
    "0x10",
    "1e",
    ".",
    "--1",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1e999",
    "1e-400",
    "-1e-400",
    "0.0000001e-330",
    "9" * 400,
]


@given(finite | st.integers(-(10**300), 10**300))
def test_numbers_that_python_writes_are_read(number: float) -> None:
    assert plain_number(str(number)) == float(number)


@pytest.mark.parametrize(
    ("text", "number"),
    [("+5", 5), (".5", 0.5), ("5.", 5), ("1E3", 1000), ("0e-400", 0), ("-0.000", 0), ("5e-324", 5e-324)],
)
def test_every_usual_form_is_read(text: str, number: float) -> None:
    assert plain_number(text) == number


@pytest.mark.parametrize("text", REFUSED)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(SaltError, match=r"^is not a number \(found '.*', expected a plain finite number"):
        plain_number(text)


@given(st.text(max_size=8))
def test_no_text_gives_a_number_that_is_not_finite(text: str) -> None:
    with suppress(SaltError):
        assert math.isfinite(plain_number(text))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1e-400", "9" * 400])
def test_a_number_that_is_not_finite_is_named_by_its_place(number: str) -> None:
    with pytest.raises(SaltError) as error:
        parse_json(f'{{"a": [1, {{"b": {number}}}, "NaN"], "c": {number}}}', "my.json")
    assert str(error.value).startswith(f"my.json: a.1.b: is not a number (found {number[:80]}, expected a plain finite")
    with pytest.raises(SaltError, match=r"^is not a number"):
        parse_json(number)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1, "b": 2, "a": 1}', "a"),
        ('{"train": {"epochs": 3, "epochs": 30}}', "train.epochs"),
        ('{"encoders": [{"name": "x"}, {"name": "y", "name": "z"}]}', "encoders.1.name"),
        ('{"a": {"b": 1, "b": 2}, "a": 3}', "b"),
        ('{"": 1, "": 2}', "''"),
        ('{"a": NaN, "\\u0061": 2}', "a"),
    ],
)
def test_a_duplicate_key_is_named_by_its_place(text: str, place: str) -> None:
    with pytest.raises(SaltError) as error:
        parse_json(text, "my.json")
    assert str(error.value) == f"my.json: {place}: the key occurs more than once in its object"


@pytest.mark.parametrize("opened", ["[", '{"a": '])
def test_json_has_a_greatest_depth(opened: str) -> None:
    closed = "]" if opened == "[" else "}"

    def nested(depth: int) -> str:
        return opened * depth + ("1" if opened != "[" else "") + closed * depth

    parse_json(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 10**5):
        with pytest.raises(SaltError, match=r"^my.json: is nested too deeply \(expected at most 64 levels\)$"):
            parse_json(nested(depth), "my.json")


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"
    for text in ('"\\ud83d"', '{"\\uDE00": 1}'):
        with pytest.raises(SaltError, match=r"^my.json: is not JSON"):
            parse_json(text, "my.json")


def test_json_keeps_integers_and_floats_apart() -> None:
    numbers = parse_json("[3, -3, 3.0, 1e2]")
    assert numbers == [3, -3, 3.0, 100.0]
    assert [type(number) for number in numbers] == [int, int, float, float]


@pytest.mark.parametrize(
    ("text", "problem"), [("[" * 100_000, "is nested too deeply"), ("{", "is not JSON"), ("1_000", "is not JSON")]
)
def test_what_is_not_json_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SaltError, match=f"^my.json: {problem}"):
        parse_json(text, "my.json")
