import os
from pathlib import Path

import pytest
import yaml

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import MAX_DEPTH
from salt_pipeline.pipelines.cli.config_file import MAX_YAML, read_config
from salt_pipeline.pipelines.presets import PRESETS, preset_config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.yaml"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_the_same_as_json_and_as_yaml(tmp_path: Path, preset: str) -> None:
    config = preset_config(preset)
    (tmp_path / "my.json").write_text(config.model_dump_json(indent=2))
    (tmp_path / "my.YML").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    (tmp_path / "same.yaml").write_text(config.model_dump_json(indent=2))  # JSON is YAML
    assert all(read_config(tmp_path / name) == config for name in ("my.json", "my.YML", "same.yaml"))


def test_numbers_words_and_dates_are_read_as_in_yaml_1_2(file: Path) -> None:
    file.write_text(
        "train: {learning_rate: 1e-3, amp: off}\nsplit: {group_touching: false}\ncluster: {tag: 2024-01-01}"
    )
    config = read_config(file)
    assert (config.train.learning_rate, config.train.amp) == (1e-3, "off")
    assert (config.split.group_touching, config.cluster.tag) == (False, "2024-01-01")


@pytest.mark.parametrize("number", ["1_000", "0x1F", "010", "1:30", ".inf", ".nan", "1e999"])
def test_a_number_that_json_does_not_have_is_refused(file: Path, number: str) -> None:
    file.write_text(f"seed: 1\ntrain:\n  epochs: {number}\n")
    with pytest.raises(SaltError, match=rf"my.yaml: line 3: is not YAML that is accepted here \(found {number}"):
        read_config(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nseed: 2", r"line 2: .* \(found the key seed for the second time\)"),
        ("train: {epochs: 3, epochs: 4}", r"line 1: .* \(found the key epochs for the second time\)"),
        ("seed: &one 1\nsplit: {folds: *one}", r"line 2: .* \(found an alias\)"),
        ("!!python/object/apply:os.getcwd []", "line 1: .*a tag"),
        ("seed: !own 1", "line 1: .*a tag"),
        ("train: !!map 5", "line 1: .*a tag"),
        ("seed: 1\nsplit: {group_touching: !!bool [x]}", "line 2: .*a tag"),
        ("seed: !!int [1]", "line 1: .*a tag"),
        ("[1]: 2", "line 1: .*a key that is no text"),
        ("seed: [1", "is not YAML"),
        ("seed: 1\n---\nseed: 2", "line 2: .*another document"),
        ("seed: \x01", "is not YAML"),
        ("train: {epochs: 0}", r"my.yaml is not valid\n  - train.epochs: Input should be greater"),
        ("train: {epochs: '3'}", "train.epochs: "),
        ("train: {epoch: 3}", "train.epoch: "),
        ("", "JSON object"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "is nested too deeply"),
        ("[" * 10_000, "is nested too deeply"),
        ("#" * (MAX_YAML + 1), "is too large"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(SaltError, match=message) as caught:
        read_config(file)
    assert str(file) in str(caught.value)


def test_a_file_that_is_missing_no_text_or_no_file_is_refused(file: Path) -> None:
    with pytest.raises(SaltError, match="cannot be read: No such file"):
        read_config(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SaltError, match="is not YAML"):
        read_config(file)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(SaltError, match="is not a regular file"):
        read_config(file)
