"""The settings of a sweep: every combination of the listed values, or some drawn at random from lists and ranges."""

import random
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from pydantic import BaseModel, ConfigDict

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.sweep.ranges import Range
from salt_pipeline.pipelines.sweep.spaces import Space, base_changes, changed_to, spaces_of

MOST = 200
"""Most settings of a sweep; each is trained on every fold."""


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
    first, spaces = spaces_of(base, changes)
    lists = {key: values for key, values in spaces.items() if isinstance(values, list)}
    only_lists = len(lists) == len(spaces)
    chosen = _combinations(lists, draws, seed) if only_lists else _drawn(first, spaces, draws, seed)
    settings = [Setting(changes=one, config=changed_to(first, one)) for one in chosen]
    known: dict[str, str] = {}
    for setting in settings:
        content = setting.config.model_dump_json()
        if other := known.get(content):
            raise SaltError("two settings are the same", field="--set", found=f"{other} and {setting.name}")
        known[content] = setting.name
    return settings


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


def _drawn(first: Config, spaces: dict[str, Space], draws: int | None, seed: int) -> Iterator[tuple[str, ...]]:
    """Distinct settings, drawn from lists and ranges; more draws begin with the same ones."""
    ranges = {key: space for key, space in spaces.items() if isinstance(space, Range)}
    if draws is None:
        problem = "a range has no end of values: draw some of them"
        raise SaltError(problem, field="--set", found=next(iter(ranges)), expected="--random N or --optuna N")
    if not 2 <= draws <= MOST:
        raise SaltError("cannot draw so many settings", field="--random", found=draws, expected=f"2 to {MOST}")
    chosen, draw = dict.fromkeys([base_changes(first, spaces)]), random.Random(seed)
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
