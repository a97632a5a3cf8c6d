"""What a plain finite number is, wherever one is read: in csv files, JSON, `--set` options and the environment.

And what JSON is: of bounded size and depth, so that no document exhausts memory or the stack of what reads it.
"""

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

from salt_pipeline.components.core.errors import SaltError

PLAIN = "a plain finite number, such as 3, 0.5 or 1e-4"
"""What a text is expected to be, for messages."""

_PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

MAX_JSON = 64 * 2**20
"""Most bytes, or characters, of a JSON document; the largest that we write, a report's numbers, have 100 KiB."""

MAX_DEPTH = 64
"""Deepest nesting of a JSON document; ours have 6 levels."""

SHOWN = 80
"""Characters of a wrong value that a message shows."""


def plain_number(text: str) -> float:
    """Reads a number of ASCII digits that a float can hold.

    Python's own `float` also reads `1_000`, digits of other scripts, `Infinity` and `NaN`, and makes 0 of `1e-400`.

    Raises:
        SaltError: If the text is no such number.
    """
    number = float(text) if _PLAIN.fullmatch(text) else math.nan
    vanished = number == 0 and re.search("[1-9]", re.split("[eE]", text)[0])
    if not math.isfinite(number) or vanished:
        raise SaltError("is not a number", found=repr(text[:SHOWN]), expected=PLAIN)
    return number


def parse_json(text: str, file: str | Path | None = None) -> Any:
    """Parses JSON, of which every number is plain and finite, and no object has a key twice.

    Args:
        text: The document.
        file: Where it was read, for the message.

    Raises:
        SaltError: If it is not JSON, is too large, is nested too deeply, or holds a text that is not Unicode; or naming
            the place of the first duplicate key or other number.
    """
    if len(text) > MAX_JSON:
        raise SaltError("is too large for JSON of ours", file=file, found=len(text), expected=f"at most {MAX_JSON}")
    wrong: list[_NoNumber] = []
    duplicate: list[tuple[dict[str, Any], str]] = []

    def number(digits: str) -> Any:
        try:
            value = plain_number(digits)
        except SaltError:
            wrong.append(_NoNumber(digits))
            return wrong[-1]
        return value if set(".eE") & set(digits) else int(digits)

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            duplicate.append((found, next(key for key in counts if counts[key] > 1)))
        return found

    try:
        content = json.loads(
            text, parse_float=number, parse_int=number, parse_constant=number, object_pairs_hook=mapping
        )
        _check_depth(content, file)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()  # a half of a surrogate pair is no text
        if duplicate:
            within, key = duplicate[0]
            path = ".".join(filter(None, (_place(content, within), key)))
            raise SaltError("the key occurs more than once in its object", file=file, field=path)
        if wrong:
            place = _place(content, wrong[0]) or None
            raise SaltError("is not a number", file=file, field=place, found=wrong[0][:SHOWN], expected=PLAIN)
        return content
    except ValueError as error:
        raise SaltError("is not JSON", file=file, found=error) from error
    except RecursionError:
        raise _too_deep(file) from None


def _check_depth(content: Any, file: str | Path | None) -> None:
    level: list[Any] = [[content]]
    for _ in range(MAX_DEPTH + 1):
        inside = (value.values() if isinstance(value, dict) else value for value in level)
        level = [value for values in inside for value in values if isinstance(value, list | dict)]
        if not level:
            return
    raise _too_deep(file)


def _too_deep(file: str | Path | None) -> SaltError:
    return SaltError("is nested too deeply", file=file, expected=f"at most {MAX_DEPTH} levels")


class _NoNumber(str):
    """The text of a number that is not plain, in its place in the document."""

    __slots__ = ()


def _place(content: Any, wanted: Any) -> str:
    """The keys and indices that lead to a value, joined by dots."""
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inside:
        if value is wanted:
            return str(key)
        if below := _place(value, wanted):
            return f"{key}.{below}"
    return ""
