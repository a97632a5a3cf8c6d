"""Numbers on the command line: every option that takes one takes a plain finite number between two bounds."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from typer.core import TyperGroup

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import SHOWN, plain_number

MOST = 2**31 - 1
"""Bound, in both directions, of a whole number whose option states none."""


class PlainNumbers(TyperGroup):
    """A group of commands, also of those in its groups, whose numbers are plain ones.

    Typer's own types also read `1_000`, digits of other scripts, `nan` and `inf`.
    """

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _make_plain(command)
        return command


def _make_plain(command: Any) -> None:
    for param in command.params:
        kinds = set(get_args(param.type_descriptor.annotation) or [param.type_descriptor.annotation])
        for kind in kinds & {int, float}:
            param.process_value = partial(_process, param, kind, type(param).process_value)
    for inner in getattr(command, "commands", {}).values():
        _make_plain(inner)


def _process(param: Any, kind: type, process: Callable[..., Any], ctx: Any, value: Any) -> Any:
    for text in value if isinstance(value, list | tuple) else [value]:
        if isinstance(text, str):  # and no default of ours
            _check(text, param, kind)
    return process(param, ctx, value)


def _check(text: str, param: Any, kind: type) -> None:
    field, words = max(param.opts, key=len), "a whole number" if kind is int else "a plain number"
    try:
        number = plain_number(text)
    except SaltError as error:
        raise SaltError("is not a number", field=field, found=error.found, expected=words) from None
    if kind is int and set(".eE") & set(text):
        raise SaltError("is not a whole number", field=field, found=text[:SHOWN], expected=words)
    bounds = param.type_descriptor.parameter_info
    least, most = (
        bound if bound is not None else sign * (MOST if kind is int else math.inf)
        for bound, sign in ((bounds.min, -1), (bounds.max, 1))
    )
    if not least <= number <= most:
        raise SaltError("is out of range", field=field, found=text[:SHOWN], expected=f"{words} from {least} to {most}")
