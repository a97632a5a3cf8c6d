"""Which settings a sweep tries, and what is refused before anything is trained."""

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.settings import MOST, Setting, settings_of

BASE = preset_config("smoke")
RATES, SCSE = "train.learning_rate=[5e-4,1e-3]", "model.scse=[true,false]"


def of(*changes: str, draws: int | None = None, seed: int = 0) -> list[Setting]:
    return settings_of(BASE, changes, draws, seed)


def test_a_grid_is_every_combination_the_first_of_each_list_first() -> None:
    found = of(RATES, "train.epochs=3", SCSE)
    assert [setting.changes for setting in found] == [
        ("train.learning_rate=0.0005", "model.scse=true"),
        ("train.learning_rate=0.0005", "model.scse=false"),
        ("train.learning_rate=0.001", "model.scse=true"),
        ("train.learning_rate=0.001", "model.scse=false"),
    ]
    assert {setting.config.train.epochs for setting in found} == {3}
    assert [setting.config.train.learning_rate for setting in found] == [5e-4, 5e-4, 1e-3, 1e-3]
    assert [setting.config.model.scse for setting in found] == [True, False] * 2


def test_the_names_of_settings_are_options_that_make_them() -> None:
    lists = [
        'train.schedule=["plateau","one_cycle"]',
        'predict.batch_size=["auto",32]',
        'model.encoder_weights=["none","3"]',
        'encoders=[[{"name":"a","weight":1}],[{"name":"b","weight":1}]]',
    ]
    for setting in of(*lists):
        assert settings_of(BASE, [*setting.changes, RATES], None, 0)[0].config.encoders == setting.config.encoders
        again = settings_of(BASE, [*setting.changes, "train.epochs=[2,3]"], None, 0)[0].config
        assert again == setting.config
    assert of(*lists)[0].changes[0] == "train.schedule=plateau"


def test_a_draw_has_distinct_settings_of_the_lists_and_begins_with_the_first() -> None:
    lists = [RATES, SCSE, "train.epochs=[2,3,4,5,6,7,8,9]", "train.batch_size=[8,16,32]"]
    grid = {setting.changes for setting in of(*lists)}
    drawn = [setting.changes for setting in of(*lists, draws=30, seed=3)]
    assert drawn[0] == of(*lists)[0].changes
    assert len(set(drawn)) == 30
    assert set(drawn) <= grid
    assert drawn == [setting.changes for setting in of(*lists, draws=30, seed=3)]
    assert drawn != [setting.changes for setting in of(*lists, draws=30, seed=4)]
    assert {setting.changes for setting in of(*lists, draws=96)} == grid


def test_a_draw_from_more_combinations_than_could_be_listed() -> None:
    many = ",".join(str(number / 1000) for number in range(1, 1000))
    rates = [f"train.{key}=[{many}]" for key in ("learning_rate", "weight_decay", "plateau_factor", "augment")]
    assert len(of(*rates, f"model.input_mean=[{many}]", f"train.classification_weight=[{many}]", draws=5)) == 5


def test_a_range_is_drawn_between_its_bounds_after_the_present_value() -> None:
    ranges = ["train.learning_rate=log(1e-5, 1e-1)", "train.epochs=int(3,5)", "train.augment=uniform(0.25,.5)"]
    found = of("train.batch_size=8", *ranges, SCSE, draws=60, seed=3)
    present = ("train.learning_rate=0.001", "train.epochs=2", "train.augment=0.8", "model.scse=true")
    assert found[0].changes == present
    assert {setting.config.train.batch_size for setting in found} == {8}
    drawn = [setting.config for setting in found[1:]]
    rates = sorted(config.train.learning_rate for config in drawn)
    assert 1e-5 <= rates[0] < 1e-4
    assert 1e-2 < rates[-1] <= 1e-1
    assert 1e-4 < rates[len(rates) // 2] < 1e-2, "uniform in the logarithm"
    assert {config.train.epochs for config in drawn} == {3, 4, 5}
    augment = [config.train.augment for config in drawn]
    assert 0.25 <= min(augment) < 0.3
    assert 0.45 < max(augment) <= 0.5
    assert {config.model.scse for config in drawn} == {True, False}
    assert found[:20] == of("train.batch_size=8", *ranges, SCSE, draws=20, seed=3)
    assert found[1] != of("train.batch_size=8", *ranges, SCSE, draws=20, seed=4)[1]


LISTED = ",".join(map(str, range(2, MOST + 3)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["train.epochs=3"], r"--set: no list of values to try \(expected such as train\.learning_rate=\[5e-4,1e-3\]"),
        (["train.epochs=[3]"], r"--set: train\.epochs: is a list of one value \(found \[3\], expected two"),
        (["train.epochs=[]"], r"--set: train\.epochs: is an empty list"),
        (["train.epoch=[2,3]"], r"--set: no such option \(found train\.epoch, expected train\.epochs"),
        (["train.epochs=[2,0]"], r"--set train\.epochs=0: train\.epochs: Input should be .* 1 \(found 0\)$"),
        (["train.epochs=0", RATES], r"--set train\.epochs=0: train\.epochs: Input should be .* 1 \(found 0\)$"),
        (["train.epochs=[2,[3]]"], r"--set train\.epochs=\[3\]: train\.epochs: .*found \[3\]"),
        (["train.epochs=[2,3"], r"--set: train\.epochs: is not JSON: .*found '\[2,3'"),
        (["train.schedule=[plateau,one_cycle]"], r'is not JSON.*expected such as .*schedule=\["plateau","one_cycle"\]'),
        ([RATES, RATES], r"--set: two lists of values \(found train\.learning_rate\)"),
        (["train.learning_rate=[1e-3,0.001]"], r"--set: two settings are the same \(found train.* and train"),
        (["seed=[1,2]"], r"--set: seed: cannot be swept: the seeds are the same for all settings: use --seed"),
        (["split.folds=[2,3]"], r"--set: split\.folds: cannot be swept: the folds are the same"),
        (['data.on_bad=["stop","drop"]'], r"--set: data\.on_bad: cannot be swept"),
        (["cluster.parallelism=[1,2]"], r"--set: cluster\.parallelism: cannot be swept"),
        (["train.epochs=int(2,8)"], r"--set: a range has no end of values: .*found train\.epochs, expected --random N"),
        (
            ["train.epochs=int(8,2)"],
            r"--set: train\.epochs: is not a range \(found 'int\(8,2\)', expected log\(1e-4,1e-2\)",
        ),
        (["train.epochs=int(2,2.5)"], r"--set: train\.epochs: is not a range"),
        (["train.learning_rate=log(0,1)"], r"--set: train\.learning_rate: is not a range"),
        (["train.learning_rate=log(1e-4,inf)"], r"--set: train\.learning_rate: is not a range"),
        (["train.learning_rate=uniform(1_0,20)"], r"--set: train\.learning_rate: is not a range"),
        (["train.learning_rate=log(1e-4,1e-2"], r"--set: train\.learning_rate: is not a range"),
        (["split.folds=int(2,3)"], r"--set: split\.folds: cannot be swept"),
        ([RATES, "train.learning_rate=log(1e-4,1e-2)"], r"--set: two lists of values \(found train\.learning_rate\)"),
        ([f"train.epochs=[{LISTED}]"], rf"--set: too many settings \(found {MOST + 1}, expected at most {MOST};"),
    ],
)
def test_what_is_refused_is_one_line(changes: list[str], message: str) -> None:
    with pytest.raises(SaltError, match=message) as refused:
        of(*changes)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "train.augment=uniform(0.5,2)",
            r"--set train\.augment=2\.0: train\.augment: Input should be .* \(found 2\.0\)",
        ),
        ("train.epochs=int(0,3)", r"--set train\.epochs=0: train\.epochs: Input should be"),
        ("train.epochs=uniform(2,3)", r"--set train\.epochs=\d\.\d+: train\.epochs: Input should be a valid integer"),
        ("train.epoch=int(2,3)", r"--set: no such option \(found train\.epoch, "),
        (
            "train.epochs=int(3,4)",
            r"--random: cannot draw so many .*found 10, expected at most 3, which were found in 1000",
        ),
    ],
)
def test_a_range_beyond_what_the_option_takes_is_refused(change: str, message: str) -> None:
    with pytest.raises(SaltError, match=message) as refused:
        of(change, draws=10)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("draws", "expected"), [(1, "2 to 4"), (5, "2 to 4"), (-1, "2 to 4")])
def test_a_draw_of_too_many_or_too_few_is_refused(draws: int, expected: str) -> None:
    with pytest.raises(SaltError, match=rf"--random: cannot draw .*found {draws}, expected {expected}, of 4 comb"):
        of(RATES, SCSE, draws=draws)
