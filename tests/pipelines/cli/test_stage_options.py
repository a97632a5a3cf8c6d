import json
from pathlib import Path

import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.stage_options import chosen_config
from salt_pipeline.pipelines.presets import preset_config


def test_a_preset_is_changed_by_set_options() -> None:
    config = chosen_config(None, "smoke", ["train.epochs=7"])
    assert json.loads(json.dumps(config)) == config
    assert parse_config(config) == preset_config("smoke", ["train.epochs=7"])
    assert chosen_config(None, "smoke", None)["train"]["epochs"] == 2


def test_a_file_replaces_the_preset_and_is_changed_by_set_options(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(preset_config("smoke", ["seed=5"]).model_dump_json())
    config = parse_config(chosen_config(file, "seed", ["train.epochs=7"]))
    assert config == preset_config("smoke", ["seed=5", "train.epochs=7"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "config.json: is not JSON"),
        ('{"train": {"epochs": 0}}', r"config.json is not valid\n  - train.epochs: Input should be greater than"),
        ('{"train": {"epoch": 3}}', r"config.json is not valid\n  - train.epoch: "),
    ],
)
def test_an_invalid_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(SaltError, match=problem):
        chosen_config(tmp_path / "config.json", "smoke", None)


def test_a_wrong_change_to_a_file_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SaltError, match=r"--set: no such option \(found train.epoch, expected train.epochs"):
        chosen_config(tmp_path / "config.json", "smoke", ["train.epoch=3"])
