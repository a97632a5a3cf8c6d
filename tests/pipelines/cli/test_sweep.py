"""What `salt sweep` refuses: one line, and no folder is written."""

from pathlib import Path

import pytest

from salt_pipeline.components.core.files import write_json
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.folder import SWEEP, plan_sweep
from salt_pipeline.pipelines.sweep.settings import settings_of
from tests.pipelines.command import fails
from tests.pipelines.kfp_server import KfpServer

RATES = ["--set", "train.learning_rate=[5e-4,1e-3]"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "survey.zip"
    path.write_bytes(b"not read")
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "train.epochs=3"], "--set: no list of values to try"),
        (["--set", "train.epochs=[3]"], "--set: train.epochs: is a list of one value"),
        (["--set", "train.epoch=[2,3]"], "--set: no such option (found train.epoch, expected train.epochs"),
        (["--set", "train.epochs=[2,0]"], "--set train.epochs=0: train.epochs: Input should be"),
        ([*RATES, "--random", 3], "--random: cannot draw so many settings (found 3, expected 2 to 2, of 2 comb"),
        ([*RATES, "--random", "1_0"], "--random: is not a number"),
        ([*RATES, "--random", 2, "--optuna", 2], "--random, --optuna: cannot be given together"),
        ([*RATES, "--random-seed", 7], "--random-seed: is for a draw (expected with --random or --optuna)"),
        ([*RATES, "--optuna", 0], "--optuna: is not a number of trials (found 0, expected 1 to 199)"),
        (["--set", "train.epochs=int(2,4)"], "--set: a range has no end of values: draw some of them"),
        ([*RATES, "--preset", "fast"], "--preset: no such preset (found fast"),
        ([*RATES, "--fold", 5], "--fold: is not a fold of the configuration (found 5, expected 0 to 4)"),
        ([*RATES, "--fold", 1], "--fold: a threshold, smallest area or weight is chosen on folds other"),
        ([*RATES, "--fold", 1, "--fold", 1], "--fold: is given twice (found 1, 1)"),
        ([*RATES, "--seed", 1, "--seed", 1], "--seed: is given twice (found 1, 1)"),
        ([*RATES, "--jobs", 0], "--jobs: is not a number of jobs (found 0, expected at least 1)"),
        ([*RATES, "--gpus", "x"], "--gpus: no GPU is visible"),
        ([*RATES, "--data", "none.zip"], "none.zip: --data: no such archive"),
    ],
)
@pytest.mark.usefixtures("no_cluster")
def test_a_wrong_option_is_one_line(
    archive: Path, options: list[object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    out = archive.parent / "out"
    said = fails("sweep", "--data", archive, "--out", out, *options)
    assert message in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_the_archive_is_needed_once(archive: Path) -> None:
    out = archive.parent / "out"
    assert "--data: is missing" in fails("sweep", *RATES, "--out", out)
    config = preset_config("smoke")
    planned = plan_sweep(out, str(archive), "smoke", [], settings_of(config, RATES[1:], None, 0), [], [])
    planned.save()
    for option in ("--random", "--optuna"):
        assert f"{option}: " in fails("sweep", *RATES, "--out", out, option, 0)
    other = archive.with_name("other.zip")
    other.write_bytes(b"x")
    assert "holds a sweep of another archive, seed or" in fails("sweep", "--data", other, "--out", out)
    for change in ("seed=3", "data.on_bad=drop"):
        assert "holds a sweep of another archive, seed or" in fails("sweep", *RATES, "--set", change, "--out", out)
    archive.write_bytes(b"changed")
    assert "the archive has changed since this folder was begun" in fails("sweep", "--out", out)
    archive.unlink()
    assert "the archive no longer exists" in fails("sweep", "--out", out)


def test_a_folder_with_other_files_is_refused(archive: Path) -> None:
    said = fails("sweep", "--data", archive, *RATES, "--out", archive.parent)
    assert "is not empty and holds no sweep" in said
    write_json(archive.parent / SWEEP, {"settings": 3})
    assert f"{archive.parent / SWEEP}" in fails("sweep", "--out", archive.parent)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "runs/x"], "--out: is for a sweep on this machine (expected without --cluster)"),
        (["--jobs", 2], "--jobs: is for a sweep on this machine"),
        (["--optuna", 3], "--optuna: is for a sweep on this machine"),
        (["--gpus", "0"], "--gpus: is for a sweep on this machine"),
        ([], "--data: is missing (expected the archive in the object store, s3://bucket/key)"),
        (["--data", "s3://salt/x.zip", "--fold", 9], "--fold: is not a fold of the configuration"),
        (["--data", "survey.zip"], "--data: a cluster reads from the object store"),
    ],
)
def test_what_a_sweep_on_a_cluster_refuses(kfp: KfpServer, options: list[object], message: str) -> None:
    assert message in fails("sweep", "--cluster", *RATES, *options)
    assert not kfp.runs


def test_only_a_sweep_on_a_cluster_is_watched() -> None:
    assert "--watch: is for a sweep on a cluster (expected with --cluster)" in fails("sweep", "--watch")
