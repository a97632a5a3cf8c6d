"""The list of options, of models of the test's own and of the configuration."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from salt_pipeline.components.core.config.config import Config, EncoderConfig
from salt_pipeline.pipelines.cli.option_list import every_option, shown
from salt_pipeline.pipelines.presets import changed


class Layer(BaseModel):
    """One layer."""

    depth: int = Field(3, description="Depth, m.")


class Model(BaseModel):
    """The rock. Source of every default: a geologist."""

    top: Layer = Layer()
    speed: float = Field(4.5, description="Speed of sound, km/s.")


class Survey(BaseModel):
    """Everything."""

    name: str | None = Field(None, description="Its name.")
    model: Model = Model()
    layers: tuple[Layer, ...] = Field((Layer(depth=1), Layer()), description="From above.")
    labels: dict[str, str] = Field(default_factory=dict, description="Any.")


def test_the_options_of_sections_have_full_names_and_the_source_of_their_own_section() -> None:
    assert [tuple(row.values()) for row in every_option(Survey)] == [
        ("name", None, "Its name."),
        ("model.top.depth", 3, "Depth, m."),
        ("model.speed", 4.5, "Speed of sound, km/s. Source: a geologist."),
        ("layers", [{"depth": 1}, {"depth": 3}], "From above."),
        ("labels", {}, "Any."),
    ]
    assert {tuple(row) for row in every_option(Survey)} == {("option", "default", "meaning")}


def test_the_meaning_of_the_encoders_is_that_of_each_encoder_s_options() -> None:
    (row,) = [row for row in every_option() if row["option"] == "encoders"]
    assert row["default"] == Config().model_dump(mode="json")["encoders"]
    for name, field in EncoderConfig.model_fields.items():
        assert f"`{name}`: {field.description}" in row["meaning"]


@pytest.mark.parametrize(
    ("default", "text"),
    [
        (True, "true"),
        (False, "false"),
        (None, ""),
        ({}, ""),
        ([], ""),
        (0, "0"),
        (0.5, "0.5"),
        ("best", "best"),
        ([{"name": "a", "weight": 0.25}, {"name": "b", "weight": 0.75}], "a 0.25, b 0.75"),
    ],
)
def test_a_default_is_shown_in_one_line(default: Any, text: str) -> None:
    assert shown(default) == text


def test_a_default_that_is_one_value_is_shown_as_set_takes_it() -> None:
    texts = {
        row["option"]: shown(row["default"]) for row in every_option() if not isinstance(row["default"], list | dict)
    }
    given = [f"{option}={text}" for option, text in texts.items() if text]
    assert len(given) > 30
    for change in given:
        assert changed(Config(), [change]) == Config(), change


def test_every_option_is_listed_with_its_default_and_a_meaning() -> None:
    rows = list(every_option())
    assert json.loads(json.dumps({row["option"]: row["default"] for row in rows})) == Config().flat()
    assert all(row["meaning"] for row in rows)


def test_a_section_s_source_is_that_of_its_options() -> None:
    meanings = {row["option"]: row["meaning"] for row in every_option()}
    assert meanings["train.batch_size"] == "Images of a step. Source: the recipe."
    assert "px" in meanings["model.input_size"]
