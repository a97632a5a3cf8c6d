"""Settings that optuna proposes one after the other; a real sweep of three trials."""

import json
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.search import Search, plan_search
from tests.pipelines.local_run import salt
from tests.pipelines.sweep.test_sweep import changes, finished, tracked

BASE = preset_config("smoke")
SPACES = ["train.learning_rate=log(1e-5,1e-1)", "train.epochs=int(2,9)", "model.scse=[true,false]"]


def asked(trials: int, seed: int) -> list[tuple[str, ...]]:
    """The settings of a search in which a higher learning rate is better."""
    first, plan = plan_search(BASE, ["train.batch_size=8", *SPACES], trials, seed)
    search, found = Search(first.config, plan), []
    for _ in range(trials):
        setting = search.ask()
        assert setting.config.train.batch_size == 8
        assert 1e-5 <= setting.config.train.learning_rate <= 1e-1
        assert 2 <= setting.config.train.epochs <= 9
        search.tell(setting.config.train.learning_rate)
        found.append(setting.changes)
    return found


def test_a_search_asks_for_the_same_settings_after_the_same_scores() -> None:
    long = asked(30, seed=1)
    assert long[:12] == asked(12, seed=1)
    assert long[:12] != asked(12, seed=2)


def test_a_search_turns_to_what_scores_better() -> None:
    rates = [float(one[0].partition("=")[2]) for one in asked(40, seed=1)]
    best = [rate > 1e-2 for rate in rates]
    assert sum(best[30:]) > sum(best[:10]), "by chance a quarter of them are"


def test_the_first_setting_has_the_present_values() -> None:
    first, plan = plan_search(BASE, ["train.batch_size=8", *SPACES], 3, 0)
    assert first.changes == ("train.learning_rate=0.001", "train.epochs=2", "model.scse=true")
    assert plan.changes == tuple(SPACES)


@pytest.mark.parametrize(
    ("change", "trials", "message"),
    [
        ("train.epochs=3", 3, "--set: no list of values to try"),
        (SPACES[0], 0, r"--optuna: is not a number of trials \(found 0, expected 1 to 199\)"),
        (SPACES[0], 200, "--optuna: is not a number of trials"),
        ("train.epochs=int(0,3)", 3, r"--set train\.epochs=0: train\.epochs: Input should be"),
        ("train.epochs=uniform(2,8)", 3, r"--set train\.epochs=3\.91: train\.epochs: Input should be a valid integer"),
        ('train.schedule=["one_cycle","one_cycel"]', 3, r"--set train\.schedule=one_cycel: train\.schedule: "),
    ],
)
def test_what_is_refused(change: str, trials: int, message: str) -> None:
    with pytest.raises(SaltError, match=message):
        plan_search(BASE, [change], trials, 0)


def test_values_that_do_not_go_together_are_passed_over() -> None:
    first, plan = plan_search(BASE, ['model.fit=["resize","pad"]', "model.input_size=[128,64]"], 12, 0)
    search, refused, tried = Search(first.config, plan), [], set()
    for _ in range(plan.trials):
        try:
            tried.add(search.ask().changes)
            search.tell(0.1)
        except SaltError as error:
            refused.append(str(error))
    assert len(tried) == 3
    assert {text.partition(": ")[0] for text in refused} == {"--set model.fit=pad model.input_size=64"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_longer_search_continues_a_shorter_one(tmp_path: Path) -> None:
    folder, archive = tmp_path / "sweeps" / "first", tmp_path / "survey.zip"
    write_survey(str(archive), labelled=20, test=2, seed=2)
    options = [*changes("train.learning_rate=log(1e-4,1e-2)"), "--jobs", 2]
    begun = salt("sweep", "--data", archive, "--preset", "smoke", *options, "--optuna", 2, "--out", folder)
    assert begun.code == 0, begun.said
    before, shown = finished(folder), begun.out.splitlines()
    assert len(before) == 6, "two folds of the first setting and of two trials"
    assert "2 of 2 trials: train.learning_rate=" in begun.said

    longer = salt("sweep", *options, "--optuna", 3, "--out", folder)
    assert longer.code == 0, longer.said
    assert finished(folder).items() >= before.items()
    assert len(finished(folder)) == 8
    rows = [line for line in longer.out.splitlines() if line.startswith("| train.")]
    assert len(rows) == 4
    assert {line for line in shown if line.startswith("| train.")} < set(rows), "no score has changed"

    results = json.loads((folder / "results.json").read_text())["settings"]
    settings = json.loads((folder / "sweep.json").read_text())["settings"]
    assert [one["name"] for one in results] == [one["changes"][0] for one in settings]
    assert settings[0]["changes"] == ["train.learning_rate=0.001"]
    nested = tracked(folder)[2]
    assert {name: run.data.metrics["oof_score"] for name, run in nested.items()} == {
        one["name"]: one["score"] for one in results
    }
    assert {run.info.status for run in nested.values()} == {"FINISHED"}
