"""Metadata that is not what its name promises is named by file and entry."""

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.table_facts import decode_facts, read_json_fact


def test_the_strings_of_a_stage_are_returned() -> None:
    metadata = {b"salt.schema": b"maps/1", b"ARROW:schema": b"\xff", b"kind": b"oof", b"source": "Übung.zip".encode()}
    assert decode_facts("a.parquet", metadata) == {"kind": "oof", "source": "Übung.zip"}


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({b"source": b"\xff"}, r"source: is not valid metadata \(found b'\\xff', expected UTF-8"),
        ({b"\xff": b"x"}, r"\\xff: is not valid metadata"),
        ({b"kind": b"other"}, r"kind: is not valid metadata \(found other, expected oof or test"),
        ({b"folds": b"0"}, r"folds: is not valid metadata \(found 0, expected a whole number from 1"),
        ({b"synthetic": b"yes"}, r"synthetic: is not valid metadata \(found yes, expected true or false"),
    ],
)
def test_an_entry_that_is_not_valid_is_named(metadata: dict[bytes, bytes], problem: str) -> None:
    with pytest.raises(SaltError, match=rf"a\.parquet: {problem}"):
        decode_facts("a.parquet", metadata)


@pytest.mark.parametrize("text", ["", "[]", '{"a": "1"}', '{"a": NaN}', '{"a": 1e400}', "[" * 10_000])
def test_json_of_another_type_is_named(text: str) -> None:
    with pytest.raises(SaltError, match=r"a\.parquet: weights: is not valid metadata \(found '.*', expected numbers"):
        read_json_fact("a.parquet", {"weights": text}, "weights", dict[str, float], "numbers")


def test_json_is_read() -> None:
    assert read_json_fact("a.parquet", {"weights": '{"a": 1}'}, "weights", dict[str, float], "numbers") == {"a": 1.0}
