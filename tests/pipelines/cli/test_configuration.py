import json

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.pipelines.cli.option_list import every_option
from salt_pipeline.pipelines.presets import PRESETS
from tests.pipelines.command import fails, salt


def test_every_option_is_listed_with_its_default_and_a_meaning() -> None:
    rows = list(every_option())
    assert json.loads(json.dumps({row["option"]: row["default"] for row in rows})) == Config().flat()
    assert all(row["meaning"] for row in rows)


def test_a_section_s_source_is_that_of_its_options() -> None:
    meanings = {row["option"]: row["meaning"] for row in every_option()}
    assert meanings["train.batch_size"] == "Images of a step. Source: the recipe."
    assert "px" in meanings["model.input_size"]


def test_options_are_filtered_by_name_and_meaning() -> None:
    _, out, _ = salt("options", "--json", "LEARNING")
    assert [row["option"] for row in json.loads(out)] == ["train.learning_rate", "train.schedule"]
    code, out, _ = salt("options", "group_touching")
    assert code == 0
    assert out.splitlines()[1].split()[:2] == ["split.group_touching", "true"]
    assert "FILTER: no option has this in its name or meaning (found nothing-like-it)" in fails(
        "options", "nothing-like-it"
    )


def test_the_list_of_presets_as_json() -> None:
    _, out, _ = salt("presets", "--json")
    assert {row["preset"]: row["purpose"] for row in json.loads(out)} == {
        name: words for name, (words, _) in PRESETS.items()
    }
