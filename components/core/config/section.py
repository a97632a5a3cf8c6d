"""Base class of the sections of the configuration, and the messages about invalid values."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import PLAIN, SHOWN
from salt_pipeline.components.core.redaction import redactor

_MOST = 4096
"""Characters of a wrong value in which credentials are looked for; fewer are shown."""


class Section(BaseModel):
    """A section of the configuration: immutable; unknown keys are errors; a number is a number, not its text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_plain(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuses what pydantic would read as a number: `1_000`, digits of other scripts, `NaN` and `true`."""
        assert info.field_name
        allowed = _leaves(cls.model_fields[info.field_name].annotation)
        numeric = any(kind in (int, float) or type(kind) is int for kind in allowed)
        if numeric and (isinstance(value, bool) or (isinstance(value, str) and value not in allowed)):
            words = "".join(f"{word!r} or " for word in allowed if isinstance(word, str))
            raise ValueError(f"Input should be {words}{PLAIN}")
        return value


def _leaves(annotation: Any) -> tuple[Any, ...]:
    """The types and literal values that an annotation allows."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _leaves(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(leaf for kind in get_args(annotation) for leaf in _leaves(kind))
    return (annotation,)


_FORMS: dict[str, str] = {}
"""What each pattern means, in words."""


def form(pattern: str, words: str) -> str:
    """Returns the pattern; a message about a text that does not match it then says `words` in its place."""
    _FORMS[pattern] = words
    return pattern


_SHAPES = {
    "model_type": "Input should be a JSON object",
    "dict_type": "Input should be a JSON object",
    "tuple_type": "Input should be a list",
    "list_type": "Input should be a list",
}
"""What a document should be where it is of another shape, by pydantic's name of the mistake."""


def problems_of(error: ValidationError, file: Any = None) -> list[SaltError]:
    """Puts each mistake that pydantic found into a message that names the option, and shows a part of what it holds.

    Args:
        error: What pydantic raised.
        file: Where the values were read, if every message is to name it.
    """
    problems, redact = [], redactor()
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # a list with wrong entries, which are named themselves, counts as empty
        kind = item["type"]
        shown = kind != "missing" and (item["loc"] or kind in _SHAPES)
        # Credentials are taken out before the cut: half of a password is not recognised.
        found = redact(repr(item["input"])[:_MOST]) if shown else None
        problems.append(
            SaltError(
                _words(kind, item),
                file=file,
                field=".".join(map(_key, item["loc"])) or None,
                found=found if found is None or len(found) <= 2 * SHOWN else f"{found[: 2 * SHOWN]}...",
            )
        )
    return problems


def _words(kind: str, item: Any) -> str:
    """A mistake in words that hold for JSON: not the name of a class of ours, and no regular expression."""
    if kind == "string_pattern_mismatch":
        return f"Input should be {_FORMS.get(item['ctx']['pattern'], 'a text of another form')}"
    return str(_SHAPES.get(kind) or item["msg"].removeprefix("Value error, "))


def _key(key: int | str) -> str:
    """A key as a message shows it: on one line, and not all of a very long one."""
    text = str(key)
    return text if text.isprintable() and len(text) <= SHOWN else repr(text[:SHOWN])
