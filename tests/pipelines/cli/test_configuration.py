import json

from salt_pipeline.pipelines.presets import PRESETS
from tests.pipelines.command import fails, salt


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
