"""The weights of blended maps come from the metadata, or from the configuration."""

import pytest

from salt_pipeline.components.core.blended import read_blend
from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError

CONFIG = parse_config(
    {"split": {"folds": 2}, "encoders": [{"name": "one", "weight": 0.7}, {"name": "two", "weight": 0.3}]}
)


def test_weights_of_test_maps_and_of_out_of_fold_maps() -> None:
    one = {"kind": "test", "encoder": "ensemble", "weights": '{"one": 0.6, "two": 0.4}'}
    assert read_blend("a.parquet", one, CONFIG) == {"one": [0.6], "two": [0.4]}
    each = {"kind": "oof", "encoder": "ensemble", "weights": '{"one": [0.6, 0.5], "two": [0.4, 0.5]}'}
    assert read_blend("a.parquet", each, CONFIG) == {"one": [0.6, 0.5], "two": [0.4, 0.5]}


def test_older_maps_name_neither_the_blend_nor_its_weights() -> None:
    assert read_blend("a.parquet", {"kind": "test"}, CONFIG) == {"one": [0.7], "two": [0.3]}


def test_test_maps_have_one_weight_for_each_encoder() -> None:
    facts = {"kind": "test", "weights": '{"one": [0.6, 0.5], "two": [0.4, 0.5]}'}
    with pytest.raises(SaltError, match=r"a\.parquet: weights: is not valid metadata"):
        read_blend("a.parquet", facts, CONFIG)
