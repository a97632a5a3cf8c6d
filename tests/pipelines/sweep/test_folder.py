"""The folder of a sweep: what is planned, kept and read back, which jobs it has, and what is refused."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.core.paired import Paired
from salt_pipeline.pipelines.local.archive import archive_version
from salt_pipeline.pipelines.local.lock import LOCK
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.folder import (
    RESULTS,
    SWEEP,
    Results,
    SweepFolder,
    chosen_folds,
    plan_sweep,
    read_sweep,
)
from salt_pipeline.pipelines.sweep.job import METRICS
from salt_pipeline.pipelines.sweep.results import Result
from salt_pipeline.pipelines.sweep.search import SearchPlan, plan_search
from salt_pipeline.pipelines.sweep.settings import settings_of
from tests.pipelines.sweep.finished import BASE

FIXED = [*BASE, "submission.min_area=0"]
START = preset_config("cpu", FIXED)
GATES, RATES = "model.gate=[true,false]", "train.learning_rate=[5e-4,1e-3]"


def planned(
    home: Path, *changes: str, folds: Sequence[int] = (), seeds: Sequence[int] = (), trials: int = 0
) -> SweepFolder:
    """A sweep of an archive that nothing reads; if `trials` are given, optuna is to search."""
    archive = home / "one.zip"
    if not archive.exists():  # its time is a part of its version
        archive.write_bytes(b"not read")
    search: SearchPlan | None = None
    if trials:
        first, search = plan_search(START, changes, trials, 0)
        settings = [first]
    else:
        settings = settings_of(START, changes, None, 0)
    return plan_sweep(home / "sweep", str(archive), "cpu", FIXED, settings, folds, seeds, search)


def test_a_new_sweep_is_planned_and_nothing_is_written(tmp_path: Path) -> None:
    folder = planned(tmp_path, GATES)
    assert [path.name for path in tmp_path.iterdir()] == ["one.zip"]
    assert folder.path == (tmp_path / "sweep").resolve()
    assert re.fullmatch("sweep-[0-9a-f]{6}", folder.run)
    assert folder.data == str((tmp_path / "one.zip").resolve())
    assert folder.data_version == archive_version(folder.data)
    assert (folder.folds, folder.seeds) == ((0, 1), (START.seed,)), "by default all folds, and the configuration's seed"
    assert folder.base == tuple(FIXED)
    assert (folder.origin["preset"], folder.origin["runner"]) == ("cpu", "subprocess")
    assert read_sweep(folder.path) is None


@pytest.mark.parametrize("trials", [0, 3])
def test_a_sweep_is_read_back_as_it_was_saved(tmp_path: Path, trials: int) -> None:
    folder = planned(tmp_path, GATES, folds=(1,), seeds=(3, 1), trials=trials)
    folder.save()
    assert read_sweep(folder.path) == folder
    assert "path" not in read_json(folder.path / SWEEP)


def test_another_sweep_in_the_same_folder_keeps_its_name_and_drops_the_results(tmp_path: Path) -> None:
    first = planned(tmp_path, GATES)
    first.save()
    gain = Paired("other", 0.125, -0.25, 0.5, 2, 1, 5)
    found = (
        Result(name="first", score=0.5, seconds=2, gain=None),
        Result(name="other", score=0.625, seconds=2, gain=gain),
    )
    write_json(first.path / RESULTS, Results(settings=found).model_dump(mode="json"))
    assert first.read_results() == found

    again = planned(tmp_path, RATES, seeds=(7,))
    assert (again.run, again.data_version) == (first.run, first.data_version)
    assert first.read_results() == found, "a plan writes nothing"
    again.save()
    assert not (first.path / RESULTS).exists()
    assert read_sweep(first.path) == again


def test_damaged_results_are_named(tmp_path: Path) -> None:
    folder = planned(tmp_path, GATES)
    write_json(folder.path / RESULTS, {"settings": [{"name": "first"}]})
    with pytest.raises(SaltError, match=r"results\.json is not valid\n  - settings\.0\.score: Field required"):
        folder.read_results()


def test_a_folder_with_a_lock_alone_is_free(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / LOCK).touch()
    planned(tmp_path, GATES)
    (tmp_path / "sweep" / "notes.txt").touch()
    with pytest.raises(SaltError, match=r"sweep: --out: is not empty and holds no sweep"):
        planned(tmp_path, GATES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"folds": [20]}, r"folds\.0: Input should be less than 20 \(found 20\)"),
        ({"folds": []}, "folds: "),
        ({"seeds": [0, 2**31]}, r"seeds\.1: Input should be less than 2147483648 \(found 2147483648\)"),
        ({"settings": []}, "settings: "),
        ({"run": ""}, "run: String should have at least 1 character"),
        ({"further": 1}, r"further: Extra inputs are not permitted \(found 1\)"),
        ({"search": {"changes": [], "trials": 3}}, r"search\.seed: Field required"),
    ],
)
def test_a_document_that_is_not_valid_is_named_with_its_field(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    folder = planned(tmp_path, GATES)
    folder.save()
    write_json(folder.path / SWEEP, read_json(folder.path / SWEEP) | change)
    with pytest.raises(SaltError, match=rf"sweep\.json: {said}"):
        read_sweep(folder.path)


def test_jobs_that_settings_have_in_common_count_once(tmp_path: Path) -> None:
    folder = planned(tmp_path, "submission.min_area=[0,100]", "predict.flip_tta=[true,false]", seeds=(1, 2))
    jobs = folder.distinct_jobs()
    expected = [(seed, fold, flips) for seed in (1, 2) for fold in (0, 1) for flips in (True, False)]
    assert [(job.config.seed, job.fold, job.config.predict.flip_tta) for job in jobs] == expected
    assert {job.config.submission.min_area for job in jobs} == {0}, "each is named after the first setting that has it"
    assert folder.trainings == 4
    assert folder.count_jobs() == (8, 0)
    write_json(jobs[3].folder / METRICS, {})
    assert folder.count_jobs() == (8, 1)


@pytest.mark.parametrize(
    "change",
    [
        "submission.threshold=best",
        "submission.min_area=best",
        "ensemble.weights=learned",
        'submission.min_area=[0,"best"]',
    ],
)
def test_what_is_chosen_out_of_fold_needs_two_folds(change: str) -> None:
    settings = settings_of(START, [change, GATES], None, 0)
    assert chosen_folds(settings, [1, 0]) == (1, 0)
    with pytest.raises(SaltError, match=r"--fold: a threshold, .*found one fold, expected two or more; or --set"):
        chosen_folds(settings, [1])
    assert chosen_folds(settings_of(START, [GATES], None, 0), [1]) == (1,), "nothing is chosen"
