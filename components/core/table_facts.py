"""The metadata of the Parquet files that pass between stages: the strings that a stage wrote beside the schema."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import SHOWN, parse_json

_PATTERNS = {
    "kind": ("oof|test", "oof or test"),
    "folds": ("[1-9][0-9]{0,8}", "a whole number from 1"),
    "synthetic": ("true|false", "true or false"),
}
"""What the metadata of any of these files may say, where it says it: a pattern, and the same in words."""

_LONGEST = 64 << 20
"""Most characters of an entry; the reasons of 100,000 dropped images have some 10 million."""


def decode_facts(file: str | Path, metadata: Mapping[bytes, bytes]) -> dict[str, str]:
    """Returns the strings of a file, without those of Parquet and of the schema.

    Raises:
        SaltError: If an entry is not UTF-8, or is none of the values that an entry of its name may have.
    """
    facts = {}
    for name, value in metadata.items():
        if name.startswith((b"salt.", b"ARROW:")):
            continue
        try:
            facts[name.decode()] = value.decode()
        except UnicodeDecodeError:
            field = name.decode(errors="backslashreplace")
            raise SaltError(
                "is not valid metadata", file=file, field=field, found=value[:SHOWN], expected="UTF-8"
            ) from None
    for key, (pattern, expected) in _PATTERNS.items():
        if key in facts and not re.fullmatch(pattern, facts[key]):
            found = facts[key][:SHOWN]
            raise SaltError("is not valid metadata", file=file, field=key, found=found, expected=expected)
    return facts


def read_json_fact(file: str | Path, facts: Mapping[str, str], key: str, kind: Any, expected: str) -> Any:
    """Reads an entry that is JSON.

    Args:
        file: The file, as messages name it.
        facts: Its metadata.
        key: Name of the entry.
        kind: The type that its value must have, as pydantic understands it.
        expected: The same in words.

    Raises:
        SaltError: If there is no such entry, or it is not JSON, or of another type.
    """
    text = facts.get(key, "")
    try:
        if len(text) > _LONGEST:
            raise SaltError("is too long")
        return TypeAdapter(kind).validate_python(parse_json(text), strict=True)
    except (SaltError, ValidationError):
        found = repr(text[:SHOWN]) if key in facts else "none"
        raise SaltError("is not valid metadata", file=file, field=key, found=found, expected=expected) from None
