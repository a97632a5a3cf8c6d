"""What a sweep tries, apart from what all settings have in common; the messages are tested in test_settings too."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.ranges import Range
from salt_pipeline.pipelines.sweep.spaces import SHARED, base_changes, changed_to, spaces_of

BASE = preset_config("smoke")
RATES = "train.learning_rate=[5e-4,1e-3]"

words = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters=":"), min_size=1, max_size=20)
"""Names of files: a colon could make them URIs of another kind."""


def test_lists_and_ranges_are_separated_from_what_all_settings_have_in_common() -> None:
    config, spaces = spaces_of(BASE, ["train.epochs=3", " train.augment = uniform(0, .5)", RATES, "seed=7"])
    assert config == preset_config("smoke", ["train.epochs=3", "seed=7"])
    assert list(spaces.items()) == [
        ("train.augment", Range("uniform", 0, 0.5)),
        ("train.learning_rate", ["train.learning_rate=0.0005", "train.learning_rate=0.001"]),
    ]


@pytest.mark.parametrize(
    ("option", "values", "texts"),
    [
        ("train.schedule", '["plateau", "one_cycle"]', ["plateau", "one_cycle"]),
        ("predict.batch_size", '[ "auto", 32, null ]', ["auto", "32", "null"]),
        ("model.scse", "[true,false]", ["true", "false"]),
        ("model.encoder_weights", '["none","true","3","[a]"]', ["none", '"true"', '"3"', '"[a]"']),
        ("encoders", '[[{"name": "a"}],[{"name": "b"}]]', ['[{"name":"a"}]', '[{"name":"b"}]']),
    ],
)
def test_each_value_is_written_as_set_reads_it(option: str, values: str, texts: list[str]) -> None:
    _, spaces = spaces_of(BASE, [f"{option}={values}"])
    assert spaces == {option: [f"{option}={text}" for text in texts]}


@settings(deadline=None, max_examples=50)
@given(st.lists(words, min_size=2, max_size=4))
def test_the_option_of_a_word_gives_the_word_back(values: list[str]) -> None:
    _, spaces = spaces_of(BASE, [f"model.encoder_weights={json.dumps(values)}"])
    found = spaces["model.encoder_weights"]
    assert isinstance(found, list)
    assert [changed_to(BASE, [change]).model.encoder_weights for change in found] == values


@pytest.mark.parametrize("value", ["[1,2]", "int(1,2)"])
@pytest.mark.parametrize(("section", "reason"), SHARED.items())
def test_what_all_settings_share_is_not_tried(section: str, reason: str, value: str) -> None:
    with pytest.raises(SaltError) as refused:
        spaces_of(BASE, [f"{section}={value}"])
    assert str(refused.value) == f"--set: {section}: cannot be swept: {reason}"


def test_an_empty_list_of_encoders_is_one_value_and_not_valid() -> None:
    with pytest.raises(SaltError, match=r"^--set encoders=\[\]: encoders: "):
        spaces_of(BASE, ["encoders=[]", RATES])


def test_a_change_without_a_value_is_refused() -> None:
    with pytest.raises(SaltError, match=r"--set: is not a change \(found train\.epochs, expected section\.key=value"):
        spaces_of(BASE, ["train.epochs", RATES])


def test_the_first_setting_has_first_values_and_in_place_of_ranges_what_is_set() -> None:
    changes = [
        "train.epochs=5",
        "train.epochs=int(2,8)",
        "model.scse=[false,true]",
        "submission.threshold=uniform(0,1)",
    ]
    first, spaces = spaces_of(BASE, changes)
    assert base_changes(first, spaces) == ("train.epochs=5", "model.scse=false", "submission.threshold=best")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("train.augment=uniform(0.5,2)", r"--set train\.augment=2\.0: train\.augment: Input should be .*found 2\.0\)$"),
        ("train.schedule=uniform(0,1)", r"--set train\.schedule=0\.0: train\.schedule: Input should be 'plateau' or"),
        ("train=int(1,2)", "--set train=1: train: Input should be a JSON object"),
        ("train.epochs.x=int(1,2)", r"--set: no such option \(found train\.epochs\.x"),
    ],
)
def test_an_option_that_does_not_take_a_bound_is_refused_with_the_bound(change: str, said: str) -> None:
    with pytest.raises(SaltError, match=said):
        base_changes(*spaces_of(BASE, [change]))


def test_of_several_mistakes_the_first_is_named_in_one_line_with_all_changes() -> None:
    with pytest.raises(SaltError) as refused:
        changed_to(BASE, ["train.epochs=0", "train.batch_size=1"])
    place = "--set train.epochs=0 train.batch_size=1: train.epochs"
    assert str(refused.value) == f"{place}: Input should be greater than or equal to 1 (found 0)"
    assert type(refused.value) is SaltError, "its message is sent on as one line"


def test_a_list_that_is_the_value_of_an_option_is_one_value() -> None:
    config, spaces = spaces_of(BASE, ['encoders=[{"name":"a","weight":1}]', RATES])
    assert (config.encoders[0].name, list(spaces)) == ("a", ["train.learning_rate"])
