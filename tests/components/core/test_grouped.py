from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.grouped import grouped


def said(*errors: SaltError) -> list[str]:
    return [str(error) for error in grouped(errors)]


def test_one_cause_is_one_line_with_its_first_places_and_a_count() -> None:
    errors = [SaltError("is encrypted", file=f"{number}.png", expected="no password") for number in range(4000)]
    assert said(*errors, SaltError("is missing", file="train.csv")) == [
        "0.png, 1.png, 2.png and 3,997 more: is encrypted (expected no password)",
        "train.csv: is missing",
    ]


def test_lines_of_one_file_name_it_once() -> None:
    errors = [SaltError("is no id", file="a.csv", field=f"line {line}", found=f"{line}") for line in (2, 5)]
    assert said(*errors) == ["a.csv: line 2, line 5: is no id (found 2, 5)"]


def test_what_was_found_is_shown_where_it_differs() -> None:
    errors = [SaltError("wrong size", file=f"{found}.png", found=found, expected=101) for found in "12134"]
    assert said(*errors) == ["1.png, 2.png, 3.png and 1 more: wrong size (found 1, 2, 3, ..., expected 101)"]


def test_other_problems_and_several_lines_stay_as_they_are() -> None:
    several = SaltErrors("two", [SaltError("one"), SaltError("other")])
    assert grouped([several, SaltError("one", expected="x"), SaltError("one", expected="y")])[0] is several
    assert len(grouped([SaltError("one", expected="x"), SaltError("one", expected="y")])) == 2


def test_the_same_place_is_named_once_with_a_count() -> None:
    assert said(*[SaltError("is a duplicate", file="a.csv")] * 3000) == ["a.csv: is a duplicate, 3,000 times"]
