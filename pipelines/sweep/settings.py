"""The settings of a sweep: every combination of the listed values, or some drawn at random from lists and ranges."""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

from pydantic import BaseModel, ConfigDict

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.numbers import SHOWN, parse_json
from salt_pipeline.pipelines.presets import changed
from salt_pipeline.pipelines.sweep.ranges import Range, parse_range

MOST = 200
"""Most settings of a sweep; each is trained on every fold."""

EXAMPLE = 'such as train.learning_rate=[5e-4,1e-3] or train.schedule=["plateau","one_cycle"]'
"""What a list of values looks like, for messages."""

SHARED = {
    "seed": "the seeds are the same for all settings: use --seed",
    "split": "the folds are the same for all settings, so that they are compared image by image",
    "data": "the images are the same for all settings, so that they are compared image by image",
    "cluster": "does not change what is trained",
}
"""Why a sweep tries no values of an option of these sections."""


class Setting(BaseModel):
    """One setting of a sweep.

    Attributes:
        changes: The values that it takes from the lists, as options of `--set`.
        config: Its complete configuration.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: tuple[str, ...]
    config: Config

    @property
    def name(self) -> str:
        """Its name in tables and in MLflow."""
        return " ".join(self.changes)


def settings_of(base: Config, changes: Sequence[str], draws: int | None, seed: int) -> list[Setting]:
    """The settings that `--set` options ask for.

    The first one, with which the others are compared, has the first value of every list, and in place of a range the
    present value.

    Args:
        base: The configuration of the preset.
        changes: Each `section.key=value`, of which some values are JSON lists of the values to try, or ranges.
        draws: Number of settings to draw from all combinations; by default all combinations are settings.
        seed: Seed of the draw.

    Raises:
        SaltError: If there is nothing to try or too much, or a setting is not valid.
    """
    spaces: dict[str, list[str] | Range] = {}
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
    first = _changed(base, fixed)
    lists = {key: values for key, values in spaces.items() if isinstance(values, list)}
    only_lists = len(lists) == len(spaces)
    chosen = _combinations(lists, draws, seed) if only_lists else _drawn(first, spaces, draws, seed)
    settings = [Setting(changes=one, config=_changed(first, one)) for one in chosen]
    known: dict[str, str] = {}
    for setting in settings:
        content = setting.config.model_dump_json()
        if other := known.get(content):
            raise SaltError("two settings are the same", field="--set", found=f"{other} and {setting.name}")
        known[content] = setting.name
    return settings


def _listed(change: str, base: Config) -> tuple[str, list[str] | Range]:
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
    if isinstance(value, str) and value[:1].isalpha() and value not in ("true", "false", "null"):
        return value
    return json.dumps(value, separators=(",", ":"))


def _combinations(lists: dict[str, list[str]], draws: int | None, seed: int) -> Iterator[tuple[str, ...]]:
    total = prod(map(len, lists.values()))
    if draws is None:
        if total > MOST:
            expected = f"at most {MOST}; --random draws some of them"
            raise SaltError("too many settings", field="--set", found=total, expected=expected)
        yield from product(*lists.values())
        return
    most = min(MOST, total)
    if not 2 <= draws <= most:
        expected = f"2 to {most}, of {total} combinations"
        raise SaltError("cannot draw so many settings", field="--random", found=draws, expected=expected)
    draw = random.Random(seed)
    chosen = dict.fromkeys([0])
    while len(chosen) < draws:
        chosen[draw.randrange(total)] = None
    for number in chosen:
        yield _combination(lists, number)


def _drawn(
    first: Config, spaces: dict[str, list[str] | Range], draws: int | None, seed: int
) -> Iterator[tuple[str, ...]]:
    """Distinct settings, drawn from lists and ranges; more draws begin with the same ones."""
    ranges = {key: space for key, space in spaces.items() if isinstance(space, Range)}
    if draws is None:
        problem = "a range has no end of values: draw some of them"
        raise SaltError(problem, field="--set", found=next(iter(ranges)), expected="--random N")
    if not 2 <= draws <= MOST:
        raise SaltError("cannot draw so many settings", field="--random", found=draws, expected=f"2 to {MOST}")
    for key, space in ranges.items():
        for bound in space.bounds:
            _changed(first, [f"{key}={bound}"])
    present = first.flat()
    base = [space[0] if isinstance(space, list) else f"{key}={_text(present[key])}" for key, space in spaces.items()]
    chosen, draw = dict.fromkeys([tuple(base)]), random.Random(seed)
    for _ in range(100 * draws):
        one = [
            f"{key}={space.draw(draw)}" if isinstance(space, Range) else draw.choice(space)
            for key, space in spaces.items()
        ]
        chosen[tuple(one)] = None
        if len(chosen) == draws:
            yield from chosen
            return
    expected = f"at most {len(chosen)}, which were found in {100 * draws} draws"
    raise SaltError("cannot draw so many settings", field="--random", found=draws, expected=expected)


def _combination(lists: dict[str, list[str]], number: int) -> tuple[str, ...]:
    """The combination of this number, in the order of the product: the last list varies fastest."""
    one = []
    for values in reversed(lists.values()):
        number, place = divmod(number, len(values))
        one.append(values[place])
    return tuple(reversed(one))


def _changed(config: Config, changes: Sequence[str]) -> Config:
    """Applies changes; what is wrong is one line, which names the setting."""
    try:
        return changed(config, list(changes))
    except SaltErrors as error:
        first, where = error.problems[0], " ".join(["--set", *changes])
        raise SaltError(
            first.problem, file=where, field=first.field, found=first.found, expected=first.expected
        ) from None
