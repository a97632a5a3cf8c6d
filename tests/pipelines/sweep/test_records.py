"""The MLflow runs of a sweep and of its settings, in an SQLite file."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.paired import Paired
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.job import Job
from salt_pipeline.pipelines.sweep.records import Records, mean_curve
from salt_pipeline.pipelines.sweep.results import Result, table
from salt_pipeline.pipelines.sweep.settings import Setting
from tests.components.core.tracking.work import Recorded
from tests.pipelines.sweep.finished import jobs_with
from tests.pipelines.sweep.test_folder import FIXED, GATES, START, planned

CURVES: list[list[dict[str, float]]] = [
    [{"epoch": 1, "score": 0.25, "loss": 1, "peak": 9}, {"epoch": 2, "score": 0.5, "loss": 0.5}],
    [
        {"epoch": 1, "score": 0.75, "loss": 0.5},
        {"epoch": 2, "score": 0.75, "loss": 0.25},
        {"epoch": 3, "score": 1, "loss": 0},
    ],
]
"""Of the two folds; one training has an epoch more, and one epoch a number more."""

MEAN = [{"epoch": 1, "score": 0.5, "loss": 0.75}, {"epoch": 2, "score": 0.625, "loss": 0.375}]


def write_curves(jobs: Sequence[Job]) -> None:
    for job, epochs in zip(jobs, CURVES, strict=True):
        write_json(job.folder / "curve.json", {"epochs": epochs})


@pytest.fixture
def recorded(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    shutil.copy(empty_mlflow, tmp_path)
    address = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    return Recorded(address, "salt")


def test_a_curve_has_the_epochs_and_numbers_that_all_trainings_have(tmp_path: Path) -> None:
    jobs = jobs_with(tmp_path)
    write_curves(jobs)
    assert mean_curve(jobs) == MEAN
    assert mean_curve(jobs[:1]) == CURVES[0]
    (jobs[1].folder / "curve.json").unlink()
    with pytest.raises(SaltError, match=r"curve\.json: cannot be read: No such file"):
        mean_curve(jobs)


def test_results_and_curves_are_recorded_by_setting_under_the_sweep(tmp_path: Path, recorded: Recorded) -> None:
    folder = planned(tmp_path, GATES)
    for (same,) in folder.jobs():
        write_curves(same)
    plain, gateless = (setting.name for setting in folder.settings)
    gain = Paired(gateless, 0.125, -0.25, 0.5, 2, 1, 5)
    found = [
        Result(name=plain, score=0.5, seconds=10, gain=None),
        Result(name=gateless, score=0.625, seconds=20, gain=gain),
    ]

    records = Records(folder)
    records.finish(found)
    records.close()

    (sweep,), settings = recorded.runs("sweep"), {run.info.run_name: run for run in recorded.runs("setting")}
    assert len(recorded.runs()) == 3
    assert sweep.info.run_name == folder.run
    assert sweep.data.params == {"preset": "cpu", "settings": "2", "trainings": "4"}
    assert sweep.data.metrics == {"best_oof_score": 0.625}
    tags = {
        "salt.best": gateless,
        "salt.preset": "cpu",
        "mlflow.source.name": "salt sweep",
        NOTE: "\n".join(table(found)),
    }
    assert tags.items() <= sweep.data.tags.items()
    assert settings.keys() == {plain, gateless}
    assert {run.info.status for run in (sweep, *settings.values())} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in settings.values()} == {sweep.info.run_id}
    last = {"score": 0.625, "loss": 0.375}
    assert settings[plain].data.metrics == {**last, "oof_score": 0.5, "training_seconds": 10}
    gained = {"gain": 0.125, "gain_low": -0.25, "gain_high": 0.5}
    assert settings[gateless].data.metrics == {**last, "oof_score": 0.625, "training_seconds": 20, **gained}
    for name, run in settings.items():
        assert run.data.params["model.gate"] == str(name == plain)
        assert sorted(recorded.epochs(run.info.run_id)) == [(1, 0.5), (2, 0.625)]


def test_a_search_that_is_stopped_ends_the_runs_of_the_settings_so_far(tmp_path: Path, recorded: Recorded) -> None:
    folder = planned(tmp_path, "train.epochs=int(2,9)", trials=3)
    further = Setting(changes=("train.epochs=7",), config=preset_config("cpu", [*FIXED, "train.epochs=7"]))
    more = folder.model_copy(update={"settings": (*folder.settings, further)})

    records = Records(folder)
    records.follow(more)
    records.follow(more)
    records.end("KILLED")
    records.close()

    (sweep,) = recorded.runs("sweep")
    assert sweep.data.params == {"preset": "cpu", "trials": "3"}
    assert sweep.info.status == "KILLED"
    settings = sorted((run.info.run_name, run.info.status) for run in recorded.runs("setting"))
    names = sorted([f"train.epochs={START.train.epochs}", "train.epochs=7"])
    assert settings == [(name, "KILLED") for name in names]


def test_settings_with_further_seeds_have_records_of_their_own(tmp_path: Path, recorded: Recorded) -> None:
    folder = planned(tmp_path, GATES)
    before, again = ([one.id for one in Records(folder).settings] for _ in range(2))
    extended = folder.model_copy(update={"seeds": (*folder.seeds, 7)})
    assert before == again
    assert set(before).isdisjoint(one.id for one in Records(extended).settings)
    assert len(recorded.runs("sweep")) == 1
