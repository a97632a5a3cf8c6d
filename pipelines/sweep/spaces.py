"""What a sweep tries: for each option of some a list of values, or a range."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.numbers import SHOWN, parse_json
from salt_pipeline.pipelines.presets import changed
from salt_pipeline.pipelines.sweep.ranges import Range, parse_range

Space = list[str] | Range
"""What is tried of an option: its values, each as an option of `--set`, or a range."""

EXAMPLE = 'such as train.learning_rate=[5e-4,1e-3] or train.schedule=["plateau","one_cycle"]'
"""What a list of values looks like, for messages."""

SHARED = {
    "seed": "the seeds are the same for all settings: use --seed",
    "split": "the folds are the same for all settings, so that they are compared image by image",
    "data": "the images are the same for all settings, so that they are compared image by image",
    "cluster": "does not change what is trained",
}
"""Why a sweep tries no values of an option of these sections."""


def spaces_of(base: Config, changes: Sequence[str]) -> tuple[Config, dict[str, Space]]:
    """Separates what is tried from what all settings have in common.

    Args:
        base: The configuration of the preset.
        changes: Each `section.key=value`, of which some values are JSON lists of the values to try, or ranges.

    Returns:
        The configuration with all other changes, and what is tried by option.

    Raises:
        SaltError: If there is nothing to try, or a change is not valid.
    """
    spaces: dict[str, Space] = {}
    fixed = []
    for change in changes:
        key, values = _listed(change, base)
        if not values:
            fixed.append(change)
        elif key in spaces:
            raise SaltError("two lists of values", field="--set", found=key)
        else:
            spaces[key] = values
    if not spaces:
        raise SaltError("no list of values to try", field="--set", expected=EXAMPLE)
    return changed_to(base, fixed), spaces


def base_changes(first: Config, spaces: Mapping[str, Space]) -> tuple[str, ...]:
    """The first setting: the first value of every list, and in place of a range the present value.

    Args:
        first: The configuration that all settings start from.
        spaces: What is tried by option.

    Raises:
        SaltError: If the option of a range does not take both bounds and what lies between them.
    """
    for key, space in spaces.items():
        for value in space.examples if isinstance(space, Range) else ():
            changed_to(first, [f"{key}={value}"])
    present = first.flat()
    return tuple(
        space[0] if isinstance(space, list) else f"{key}={_text(present[key])}" for key, space in spaces.items()
    )


def _listed(change: str, base: Config) -> tuple[str, Space]:
    """The option of a change, and a change for each of the values to try, or a range; none if it holds one value."""
    key, _, text = (part.strip() for part in change.partition("="))
    if found := parse_range(key, text):
        _check_not_shared(key)
        return key, found
    if not text.startswith("["):
        return key, []
    try:
        values = parse_json(text)
    except SaltError as error:
        problem = f"{error.problem}: {error.found}" if error.found else error.problem
        raise SaltError(problem, file="--set", field=key, found=repr(text[:SHOWN]), expected=EXAMPLE) from None
    if isinstance(base.flat().get(key), list) and not (values and all(isinstance(value, list) for value in values)):
        return key, []  # the value of an option that is a list itself
    _check_not_shared(key)
    if len(values) < 2:
        problem = "is a list of one value" if values else "is an empty list"
        raise SaltError(problem, file="--set", field=key, found=text, expected="two values or more")
    return key, [f"{key}={_text(value)}" for value in values]


def _check_not_shared(key: str) -> None:
    if reason := SHARED.get(key.partition(".")[0]):
        raise SaltError(f"cannot be swept: {reason}", file="--set", field=key)


def _text(value: Any) -> str:
    """A value as `--set` reads it: words without quotes, as people write them."""
    is_word = isinstance(value, str) and value[:1].isalpha() and value == value.strip()
    if is_word and value not in ("true", "false", "null"):
        return str(value)
    return json.dumps(value, separators=(",", ":"))


def changed_to(config: Config, changes: Sequence[str]) -> Config:
    """Applies `--set` options.

    Raises:
        SaltError: In one line, which names the setting, if one is not valid.
    """
    try:
        return changed(config, list(changes))
    except SaltErrors as error:
        first, where = error.problems[0], " ".join(["--set", *changes])
        raise SaltError(
            first.problem, file=where, field=first.field, found=first.found, expected=first.expected
        ) from None
