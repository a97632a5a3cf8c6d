import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.problems import SHOWN, Problems


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
