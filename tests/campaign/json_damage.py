"""Damage to JSON documents: at every place a value of another type, out of range, missing, or of no end."""

import copy
import json
from collections.abc import Iterator
from typing import Any

_RAW = "@raw:"

NUMBERS: dict[str, Any] = {
    "null": None,
    "text": "many",
    "list": [1],
    "object": {"a": 1},
    "true": True,
    "nan": f"{_RAW}NaN",
    "endless": f"{_RAW}1e999",
    "negative": -7,
    "huge": 10**30,
    "underscored": "1_000",
    "full-width": "\uff11",
}
TEXTS: dict[str, Any] = {
    "null": None,
    "number": 3,
    "list": ["a"],
    "object": {},
    "empty": "",
    "long": "a" * 5000,
    "newline": "a\nsalt: all is well",
    "escape": "\x1b[2J\x00",
    "markup": "[/b]<script>alert(1)</script>'\"",
    "upwards": "../../../../etc/evil",
}
FLAGS: dict[str, Any] = {"null": None, "text": "yes", "number": 2, "list": []}
LISTS: dict[str, Any] = {"null": None, "text": "a", "number": 5, "object": {}, "empty": [], "of nulls": [None, None]}
OBJECTS: dict[str, Any] = {"null": None, "text": "a", "number": 5, "list": [], "empty": {}}
DEEP = f"{_RAW}{'[' * 20_000}{']' * 20_000}"


def damages(document: Any) -> list[tuple[str, str]]:
    """Every damage to a document: what it is, as `key.key: kind`, and the text of the damaged document."""
    found = []
    for place in _places(document):
        value = _at(document, place)
        kinds = _kinds(value)
        for name, other in kinds.items():
            found.append((f"{'.'.join(map(str, place)) or 'document'}: {name}", _changed(document, place, other)))
        if place:
            found.append((f"{'.'.join(map(str, place))}: missing", _without(document, place)))
        if isinstance(value, dict):
            found.append((f"{'.'.join(map(str, place))}: unknown key", _changed(document, (*place, "unknown"), 1)))
            found.append((f"{'.'.join(map(str, place)) or 'document'}: deep", _changed(document, place, DEEP)))
    return found


def sample(found: list[tuple[str, str]], number: int, of: int) -> tuple[str, str]:
    """One of so many damages, spread over all of them and over their kinds."""
    return found[(number * len(found) // of + number % 7) % len(found)]


def _kinds(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return FLAGS
    if isinstance(value, int | float):
        return NUMBERS
    if isinstance(value, str):
        return TEXTS
    return LISTS if isinstance(value, list) else OBJECTS


def _places(value: Any, place: tuple = ()) -> Iterator[tuple]:
    yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*place, key))
    elif isinstance(value, list) and value:
        yield from _places(value[-1], (*place, len(value) - 1))


def _at(value: Any, place: tuple) -> Any:
    for key in place:
        value = value[key]
    return value


def _changed(document: Any, place: tuple, other: Any) -> str:
    if not place:
        return _text(other)
    changed = copy.deepcopy(document)
    _at(changed, place[:-1])[place[-1]] = other
    return _text(changed)


def _without(document: Any, place: tuple) -> str:
    changed = copy.deepcopy(document)
    del _at(changed, place[:-1])[place[-1]]
    return _text(changed)


def _text(document: Any) -> str:
    """JSON with the raw values, which Python would not write."""
    parts = json.dumps(document).split(f'"{_RAW}')
    return parts[0] + "".join(part.replace('"', "", 1) for part in parts[1:])
