"""The jobs of a sweep: which ones share a training or a folder, and the order in which they begin."""

from pathlib import Path

import pytest

from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.job import METRICS, Job, folds_file, in_turn, jobs_of

WORK = Path("sweep")
BASE = preset_config("smoke")
LITE0, LITE1 = (encoder.name for encoder in BASE.encoders)


@pytest.mark.parametrize(
    ("change", "same_training", "same_folder"),
    [
        ("seed=7", False, False),
        ("split.folds=3", False, False),
        ("model.scse=false", False, False),
        ("train.epochs=7", False, False),
        ("predict.flip_tta=false", True, False),
        ("ensemble.weights=learned", True, True),
        ("submission.min_area=0", True, True),
        ("cluster.tag=1", True, True),
        ("data.on_bad=drop", True, True),
    ],
)
def test_jobs_share_what_an_option_does_not_change(change: str, same_training: bool, same_folder: bool) -> None:
    job, other = (Job(config, LITE0, 0, WORK) for config in (BASE, preset_config("smoke", [change])))
    assert (job.training == other.training) == same_training
    assert (job.folder == other.folder) == same_folder


def test_each_encoder_and_fold_has_a_folder_in_that_of_the_sweep() -> None:
    jobs = [Job(BASE, encoder, fold, WORK) for encoder in (LITE0, LITE1) for fold in (0, 1)]
    assert len({job.folder for job in jobs}) == len({job.training for job in jobs}) == 4
    assert all(job.folder.is_relative_to(WORK / "jobs") for job in jobs)
    assert jobs[0].folder == Job(BASE, LITE0, 0, WORK, setting="the same under a name").folder


def test_a_job_has_finished_once_its_last_file_is_there(tmp_path: Path) -> None:
    job = Job(BASE, LITE0, 0, tmp_path)
    assert not job.finished
    (job.folder / METRICS).mkdir(parents=True)
    (job.folder / "oof.parquet").touch()
    assert not job.finished, "neither other files nor a folder of this name count"
    (job.folder / METRICS).rmdir()
    (job.folder / METRICS).touch()
    assert job.finished


def test_a_configuration_has_a_job_for_each_seed_fold_and_encoder() -> None:
    found = jobs_of(BASE, (1, 0), (8, 7), WORK, "first")
    made = [[(job.config.seed, job.fold, job.encoder) for job in same] for same in found]
    assert made == [[(seed, fold, encoder) for fold in (1, 0) for encoder in (LITE0, LITE1)] for seed in (8, 7)]
    assert {(job.work, job.setting) for same in found for job in same} == {(WORK, "first")}
    assert all(job.config == preset_config("smoke", [f"seed={job.config.seed}"]) for same in found for job in same)


def test_the_settings_take_turns_seed_by_seed_and_fold_by_fold() -> None:
    one = preset_config("smoke", [f'encoders=[{{"name":"{LITE0}","weight":1}}]'])
    turns = in_turn([jobs_of(one, (0, 1), (1, 2), WORK, name) for name in ("a", "b")])
    expected = [(name, seed, fold) for seed in (1, 2) for fold in (0, 1) for name in ("a", "b")]
    assert [(job.setting, job.config.seed, job.fold) for job in turns] == expected


def test_of_settings_with_more_and_fewer_encoders_every_job_has_its_turn() -> None:
    one = preset_config("smoke", [f'encoders=[{{"name":"{LITE0}","weight":1}}]'])
    few, many = jobs_of(one, (0, 1), (1,), WORK, "few"), jobs_of(BASE, (0, 1), (1,), WORK, "many")
    turns = in_turn([few, many])
    assert [job.setting for job in turns] == ["few", "many", "few", "many", "many", "many"]
    assert [job for job in turns if job.setting == "many"] == many[0]


def test_the_folds_depend_on_the_split_and_not_on_the_seed_of_a_training() -> None:
    file = folds_file(BASE, WORK)
    assert file.parent == WORK
    assert folds_file(preset_config("smoke", ["seed=7", "train.epochs=9"]), WORK) == file
    assert folds_file(preset_config("smoke", ["split.group_touching=false"]), WORK) != file
