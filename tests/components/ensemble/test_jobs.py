"""The files of all jobs: exactly one of each job, and all of one run."""

from pathlib import Path

import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.ensemble.jobs import common_hashes, find_jobs
from tests.components.ensemble.maps import Ensemble, assert_refused, with_another_last


def test_files_in_any_order_are_sorted_as_in_the_configuration(made: Ensemble) -> None:
    jobs = find_jobs(made.maps[::-1], "test", parse_config(made.config))
    assert list(jobs) == [(encoder, fold) for encoder in "ab" for fold in range(3)]
    assert [file.path for file in jobs.values()] == made.maps
    assert {file.rows for file in jobs.values()} == {20}
    assert common_hashes([*jobs.values()]) == {"data_hash": "da7a", "config_hash": "c0de"}


def test_a_missing_job_is_refused(tmp_path: Path, made: Ensemble) -> None:
    assert_refused(tmp_path, made, "oof maps of encoder b, fold 1 missing", oof=[p for p in made.oof if "b1" not in p])
    message = "test maps of encoder a, fold 0 missing\n.*a, fold 2 missing$"
    assert_refused(tmp_path, made, message, maps=[made.maps[1], *made.maps[3:]])
    assert_refused(tmp_path, made, "(oof maps of encoder [ab], fold [012] missing\\s*[-]?\\s*){6}$", oof=[])


def test_a_duplicate_job_is_refused(tmp_path: Path, made: Ensemble) -> None:
    message = r"test_a1.*duplicate test maps of encoder a, fold 1.*test_a1"
    assert_refused(tmp_path, made, message, maps=[*made.maps, made.maps[1]])


def test_files_of_the_other_kind_are_refused(tmp_path: Path, made: Ensemble) -> None:
    assert_refused(tmp_path, made, r"kind: does not match .*\(found test, expected oof\)", oof=made.maps)
    assert_refused(tmp_path, made, r"kind: does not match .*\(found oof, expected test\)", maps=made.oof)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"encoder": "c"}, r"other.parquet: encoder: not in the configuration \(found c, expected a or b\)"),
        ({"fold": "3"}, r"other.parquet: fold: not in the configuration \(found 3, expected 0 to 2\)"),
        ({"fold": "two"}, "fold: not in the configuration"),
        ({"data_hash": "beef"}, r"other.parquet: data_hash: .*found beef, expected da7a as in .*oof_a0"),
        ({"config_hash": "beef"}, "other.parquet: config_hash: .*found beef"),
    ],
)
def test_a_file_of_another_run_is_refused(tmp_path: Path, made: Ensemble, facts: dict[str, str], message: str) -> None:
    assert_refused(tmp_path, made, message, maps=with_another_last(tmp_path, made, None, **facts))
