"""The process of a sweep whose trainings have finished, and a search whose trainings the test makes up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.paired import read_truth
from salt_pipeline.pipelines.sweep.folder import RESULTS, SweepFolder, read_sweep
from salt_pipeline.pipelines.sweep.records import Records
from salt_pipeline.pipelines.sweep.runner import search_settings
from salt_pipeline.pipelines.sweep.settings import Setting
from tests.pipelines.sweep.finished import trained, write_images
from tests.pipelines.sweep.test_folder import FIXED, GATES, planned


def begun(home: Path, *changes: str, trials: int = 0) -> SweepFolder:
    """The folder of a sweep with its dataset, and no jobs."""
    folder = planned(home, *changes, trials=trials)
    folder.save()
    write_images(folder.path)
    return folder


def write_outputs(folder: SweepFolder, setting: Setting, width: int) -> None:
    """The outputs of a setting's two jobs, which predict so many columns of 50."""
    for job in trained(folder.path, *FIXED, *setting.changes, widths=[width] * 8):
        write_json(job.folder / "curve.json", {"epochs": [{"epoch": 1, "score": 0.5}]})


def run(folder: SweepFolder) -> subprocess.CompletedProcess[str]:
    """Runs the sweep's process, which records nothing in MLflow."""
    words = [sys.executable, "-m", "salt_pipeline.pipelines.sweep.runner", str(folder.path), "1", "1", "{}"]
    environment = os.environ | {"MLFLOW_TRACKING_URI": ""}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_trainings_that_have_finished_are_compared_and_not_repeated(tmp_path: Path) -> None:
    folder = begun(tmp_path, GATES)
    for setting, width in zip(folder.settings, (40, 50), strict=True):
        write_outputs(folder, setting, width)
    before = {path: path.stat().st_mtime_ns for path in (folder.path / "jobs").rglob("*.*")}

    done = run(folder)

    assert done.returncode == 0, done.stderr
    first, other = folder.read_results()
    assert (first.name, other.name) == ("model.gate=true", "model.gate=false")
    assert (first.score, other.score) == pytest.approx((0.6, 1))
    assert first.gain is None
    assert other.gain
    assert other.gain.mean == pytest.approx(0.4)
    assert {path: path.stat().st_mtime_ns for path in (folder.path / "jobs").rglob("*.*")} == before


def test_a_sweep_that_fails_ends_with_its_reason_and_leaves_no_results(tmp_path: Path) -> None:
    folder = begun(tmp_path, GATES)
    for setting in folder.settings:
        write_outputs(folder, setting, 40)
    lost = folder.distinct_jobs()[0].folder / "curve.json"
    lost.unlink()

    done = run(folder)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"{MARK}{lost}: cannot be read: No such file or directory"
    assert "Traceback" not in done.stderr
    assert not (folder.path / RESULTS).exists()


class Trainings:
    """Stands for the trainings of a search: a network that trains for longer predicts more columns.

    Attributes:
        names: The settings that were trained, in this order.
    """

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, sweep: SweepFolder) -> None:
        saved = read_sweep(sweep.path)
        assert saved
        for setting, seeds in zip(sweep.settings, sweep.jobs(), strict=True):
            assert any(setting.config == known.config for known in saved.settings), "kept before it is trained"
            if not all(job.finished for same in seeds for job in same):
                write_outputs(sweep, setting, setting.config.train.epochs)
                self.names.append(setting.name)


def searched(folder: SweepFolder, train: Trainings) -> SweepFolder:
    records = Records(folder)
    found = search_settings(folder, read_truth(folder.path / "dataset.parquet"), train, records)
    assert len(records.settings) == len(found.settings), "each setting has a run in MLflow"
    return found


@pytest.fixture
def nothing_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")


@pytest.mark.usefixtures("nothing_recorded")
def test_a_search_that_resumes_proposes_the_same_settings_and_trains_none_again(tmp_path: Path) -> None:
    folder, train = begun(tmp_path, "train.epochs=int(1,50)", trials=4), Trainings()

    found = searched(folder, train)

    assert found.settings[0] == folder.settings[0]
    assert 2 <= len(found.settings) <= 5
    assert [setting.name for setting in found.settings] == train.names
    saved = read_sweep(folder.path)
    assert saved
    assert saved.settings == found.settings
    resumed = Trainings()
    assert searched(saved, resumed).settings == found.settings
    assert not resumed.names


@pytest.mark.usefixtures("nothing_recorded")
def test_a_setting_that_is_proposed_again_counts_as_a_trial_and_is_kept_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder, train = begun(tmp_path, GATES, trials=12), Trainings()

    found = searched(folder, train)

    assert [setting.name for setting in found.settings] == train.names == ["model.gate=true", "model.gate=false"]
    logged = [message for message in caplog.messages if " trials: " in message]
    assert [message.partition(" trials")[0] for message in logged] == [f"{number} of 12" for number in range(1, 13)]
    assert all(message.endswith(": +0.0000") for message in logged)
