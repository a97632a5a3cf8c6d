"""The weights of blended maps, by their metadata."""

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


def test_maps_that_do_not_say_of_what_they_are_blended_are_refused() -> None:
    with pytest.raises(SaltError, match=r"a\.parquet: encoder: maps of one job, not blended \(found none"):
        read_blend("a.parquet", {"kind": "test"}, CONFIG)
    with pytest.raises(SaltError, match=r"a\.parquet: weights: is not valid metadata \(found none"):
        read_blend("a.parquet", {"kind": "test", "encoder": "ensemble"}, CONFIG)


def test_test_maps_have_one_weight_for_each_encoder() -> None:
    facts = {"kind": "test", "encoder": "ensemble", "weights": '{"one": [0.6, 0.5], "two": [0.4, 0.5]}'}
    with pytest.raises(SaltError, match=r"a\.parquet: weights: is not valid metadata"):
        read_blend("a.parquet", facts, CONFIG)
