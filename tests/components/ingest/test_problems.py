import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.problems import MOST, SHOWN, Problems, TooManyProblems


def test_problems_of_the_archive_come_first() -> None:
    problems = Problems()
    problems.add(SaltError("channels differ"), "a")
    problems.add(SaltError("train.csv is missing"))
    assert [str(error) for error in problems.errors] == ["train.csv is missing", "channels differ"]


def test_dropping_images_fixes_only_problems_of_images() -> None:
    problems = Problems()
    problems.add(SaltError("channels differ"), "a")
    assert not problems.of_archive
    problems.add(SaltError("train.csv is missing"))
    assert problems.of_archive


def test_the_reasons_of_an_image_are_joined() -> None:
    problems = Problems()
    for image_id, problem in (("b", "wrong size"), ("a", "no mask"), ("b", "no depth")):
        problems.add(SaltError(problem), image_id)
    problems.add(SaltError("train.csv is missing"))
    assert list(problems.reasons().items()) == [("a", "no mask"), ("b", "wrong size; no depth")]


@pytest.mark.parametrize(("count", "summary"), [(1, "a.zip: 1 problem found"), (2, "a.zip: 2 problems found")])
def test_one_error_lists_all_problems(count: int, summary: str) -> None:
    problems = Problems()
    for number in range(count):
        problems.add(SaltError(f"problem {number}"), "a")
    lines = str(problems.as_error("a.zip")).splitlines()
    assert lines == [summary, *(f"  - problem {number}" for number in range(count))]


def test_only_the_first_problems_are_listed() -> None:
    problems = Problems()
    for number in range(SHOWN + 7):
        problems.add(SaltError(f"problem {number}"), "a")
    lines = str(problems.as_error("a.zip")).splitlines()
    assert lines[0] == f"a.zip: {SHOWN + 7} problems found"
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "  - and 7 more"


def test_an_archive_of_nothing_but_problems_is_not_read_to_its_end() -> None:
    problems = Problems()
    for number in range(MOST):
        problems.add(SaltError("is no id", file="depths.csv", field=f"line {number}"), "a")
    before = bool(problems.of_archive)
    with pytest.raises(TooManyProblems):
        problems.add(SaltError("is no id", file="depths.csv", field="line 0"), "a")
    assert (before, bool(problems.of_archive)) == (False, True)
    assert [str(error) for error in problems.errors] == [
        f"after {MOST:,} problems, the rest is not checked",
        f"depths.csv: line 0, line 1, line 2 and {MOST - 3:,} more: is no id",
    ]
