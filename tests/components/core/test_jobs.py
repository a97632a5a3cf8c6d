from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltErrors
from salt_pipeline.components.core.jobs import all_jobs, by_job, in_loop, job_title

CONFIG = parse_config(
    {
        "split": {"folds": 3},
        "encoders": [{"name": "b", "weight": 0.7}, {"name": "a", "weight": 0.3}],
    }
)
JOBS = [("b", 0), ("b", 1), ("b", 2), ("a", 0), ("a", 1), ("a", 2)]
FILES = [(f"{encoder}{fold}.parquet", encoder, str(fold)) for encoder, fold in JOBS]


def problems_of(files: Iterable[tuple[str, str, str]]) -> list[str]:
    with pytest.raises(SaltErrors) as caught:
        by_job(files, "test maps", CONFIG)
    first, *lines = str(caught.value).splitlines()
    assert first == "test maps: exactly one of each job is needed"
    return [line.removeprefix("  - ") for line in lines]


def test_the_title_of_a_job_begins_with_its_fold() -> None:
    assert job_title("tu-tf_efficientnet_lite1", 3) == "f3 lite1"


def test_jobs_are_in_the_order_of_the_configuration() -> None:
    assert all_jobs(CONFIG) == JOBS


@given(st.permutations(FILES))
def test_files_are_assigned_to_jobs_in_any_order(files: list[tuple[str, str, str]]) -> None:
    found = by_job(files, "test maps", CONFIG)
    assert list(found.items()) == [((encoder, int(fold)), path) for path, encoder, fold in FILES]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=6).filter(lambda times: times != [1] * 6), st.randoms())
def test_every_missing_and_every_duplicate_job_is_named(times: list[int], random: Random) -> None:
    files = [file for file, count in zip(FILES, times, strict=True) for _ in range(count)]
    random.shuffle(files)
    problems = problems_of(files)
    names = [f"test maps of encoder {encoder}, fold {fold}" for encoder, fold in JOBS]
    missing = [f"{name} missing" for name, count in zip(names, times, strict=True) if count == 0]
    duplicates = {
        f"{path}: duplicate {name} (found also {path})"
        for name, (path, _, _), count in zip(names, FILES, times, strict=True)
        if count == 2
    }
    assert problems[len(duplicates) :] == missing
    assert set(problems[: len(duplicates)]) == duplicates


@pytest.mark.parametrize(
    ("encoder", "fold", "problem"),
    [
        ("c", "0", "x: encoder: not in the configuration (found c, expected b or a)"),
        ("a", "3", "x: fold: not in the configuration (found 3, expected 0 to 2)"),
        ("a", "-1", "x: fold: not in the configuration (found -1, expected 0 to 2)"),
        ("a", "01", "x: fold: not in the configuration (found 01, expected 0 to 2)"),
    ],
)
def test_a_file_of_an_unknown_job_is_named(encoder: str, fold: str, problem: str) -> None:
    assert problems_of([*FILES, ("x", encoder, fold)]) == [problem]


def test_the_loop_begins_with_the_last_encoder() -> None:
    assert sorted(in_loop(CONFIG)) == sorted(JOBS)
    assert in_loop(CONFIG)[0] == (CONFIG.encoders[-1].name, 0)
