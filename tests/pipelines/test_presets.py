import json

import pytest

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.presets import PRESETS, changed, preset_config


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_has_a_description(name: str) -> None:
    purpose, _ = PRESETS[name]
    assert purpose
    config = preset_config(name)
    assert parse_config(json.loads(config.model_dump_json())) == config


def test_the_recipe_is_the_default() -> None:
    recipe = preset_config("seed", ["submission.threshold=best", "submission.min_area=best"])
    assert recipe == Config()


def test_an_unknown_preset_is_reported_with_all_names() -> None:
    with pytest.raises(SaltError, match=r"--preset.*found fast.*smoke or quick or cpu or best or seed"):
        preset_config("fast")


@pytest.mark.parametrize(
    ("change", "section", "key", "value"),
    [
        ("train.epochs=3", "train", "epochs", 3),
        ("train.learning_rate=3e-4", "train", "learning_rate", 3e-4),
        ("model.gate=false", "model", "gate", False),
        ("data.on_bad=drop", "data", "on_bad", "drop"),
        ('data.on_bad="drop"', "data", "on_bad", "drop"),
        (" train.epochs =3", "train", "epochs", 3),
        ("model.encoder_weights=/weights/a=b.pth", "model", "encoder_weights", "/weights/a=b.pth"),
        ("submission.threshold=0.5", "submission", "threshold", 0.5),
        ("submission.threshold=best", "submission", "threshold", "best"),
        ("cluster.tag=v1", "cluster", "tag", "v1"),
        ("cluster.tag=1.10", "cluster", "tag", "1.10"),
        ("cluster.cpu=2", "cluster", "cpu", "2"),
        ("cluster.node_selector.pool=big", "cluster", "node_selector", {"pool": "big"}),
        ('cluster.node_selector={"a/b.c": "d"}', "cluster", "node_selector", {"a/b.c": "d"}),
    ],
)
def test_a_change_is_json_or_a_string(change: str, section: str, key: str, value: object) -> None:
    found = getattr(getattr(preset_config("smoke", [change]), section), key)
    assert found == value
    assert type(found) is type(value)


def test_changes_apply_in_order_and_keep_the_other_options() -> None:
    before, after = preset_config("smoke"), preset_config("smoke", ["seed=7", "train.epochs=3", "train.epochs=4"])
    assert (after.seed, after.train.epochs) == (7, 4)
    different = {key for key, value in after.flat().items() if before.flat()[key] != value}
    assert different == {"seed", "train.epochs"}


def test_encoders_are_set_as_one_json_list() -> None:
    config = preset_config("smoke", ['encoders=[{"name": "resnet18", "weight": 1}]'])
    assert [(e.name, e.weight) for e in config.encoders] == [("resnet18", 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.epochs", r"--set: is not a change \(found train.epochs, expected section.key=value\)"),
        ("train.epoch=3", r"no such option \(found train.epoch, expected train.epochs"),
        ("tran.epochs=3", r"found tran.epochs, expected train.epochs"),
        ("epochs=3", r"expected .*train.epochs"),
        ("sed=3", r"found sed, expected seed"),
        ("seed.x=3", r"no such option \(found seed.x"),
        ("zzzzzz=1", r"an option of `salt presets NAME`"),
        ("=1", r"no such option"),
        ("train.epochs=0", r"train.epochs: .*greater than or equal to 1 \(found 0\)"),
        ("train.epochs=many", r"train.epochs: .*a plain finite number.*found 'many'"),
        ("train.learning_rate=-1", r"train.learning_rate.*greater than or equal to 0.000000001"),
        ("cluster.tag=latest", r"latest"),
        ("encoders=[]", r"encoders: .*at least 1"),
        ('encoders=[{"name": "a", "weight": 0.4}]', r"must sum to 1, found 0.4"),
        ('encoders=[{"name": "a", "weight": 0.5}, {"name": "a", "weight": 0.5}]', r"encoders must differ"),
        ('encoders=[{"nam": "a", "weight": 1}]', r"encoders.0.nam"),
        (
            "encoders=resnet18",
            r"^--set: encoders: is not JSON: .*found 'resnet18', expected JSON, such as \[{\"name\": ",
        ),
        ('encoders=[{"name": "a", weight: 1}]', r"^--set: encoders: is not JSON: Expecting property name.*column 16"),
        ("encoders=[{'name': 'a', 'weight': 1}]", r"^--set: encoders: is not JSON"),
        ("encoders=" + "[" * 100_000, r"^--set: encoders: is nested too deeply \(found '\[{80}\.\.\.', expected JSON"),
        (
            'encoders=[{"name": "a", "weight": 1e-400}]',
            r"^--set: encoders.0.weight: is not a number \(found 1e-400, exp",
        ),
        ("train=fast", r"^--set: train: is not JSON: .*found 'fast', expected JSON, such as {\"epochs\": 2}\)"),
        ('cluster.stages.predict={"cpu": 1', r"^--set: cluster.stages.predict: is not JSON"),
        ("train.epochs=1_000", r"train.epochs: .*a plain finite number.*found '1_000'"),
        ("train.epochs=１２", r"train.epochs: .*a plain finite number.*found '１２'"),
        ("train.learning_rate=Infinity", r"train.learning_rate: .*found 'Infinity'"),
        ("train.learning_rate=1e999", r"train.learning_rate: .*found '1e999'"),
        ("model.input_std=1e-400", r"model.input_std: .*found '1e-400'"),
        ("cluster.timeout_hours=1e308", r"cluster.timeout_hours: .*less than or equal to 8760"),
        ("cluster.cpu=Infinity", r"cluster.cpu: .*found 'Infinity'"),
    ],
)
def test_an_invalid_change_is_reported_with_its_option(change: str, message: str) -> None:
    with pytest.raises(SaltError, match=message):
        preset_config("smoke", [change])


def test_all_values_out_of_range_are_reported_at_once() -> None:
    with pytest.raises(SaltError) as error:
        changed(Config(), ["train.epochs=0", "split.folds=1"])
    assert "train.epochs" in str(error.value)
    assert "split.folds" in str(error.value)
