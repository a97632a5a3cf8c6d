"""The help: `run` comes first, and each example stands on a line of its own, so that it can be copied."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import typer

from salt_pipeline.pipelines.cli.plain_numbers import PlainNumbers
from salt_pipeline.pipelines.cli.verbosity import add_verbosity

FIRST = "run"
"""The command that most users look for."""


class Commands(PlainNumbers):
    """The commands of `salt`, and their help."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        add_verbosity(self)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, in the order of the help."""
        return sorted(super().list_commands(ctx), key=lambda name: name != FIRST)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _list_examples(command)
        return command


def _list_examples(command: Any) -> None:
    """Moves the examples of an epilog below the help, where no line is broken to fit the terminal."""
    examples = re.findall("`([^`]+)`", command.epilog or "")
    if examples:
        command.epilog, command.format_help = None, partial(_help, command.format_help, examples)
    for inner in getattr(command, "commands", {}).values():
        _list_examples(inner)


def _help(format_help: Callable[..., None], examples: list[str], ctx: Any, formatter: Any) -> None:
    format_help(ctx, formatter)
    typer.echo("\n".join([f" Example{'s' * (len(examples) > 1)}:", *(f"   {example}" for example in examples), ""]))
