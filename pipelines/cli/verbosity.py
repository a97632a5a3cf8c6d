"""The options `-q` and `-v`, which stand before the name of a command as well as after it."""

import logging
from functools import cache
from typing import Annotated, Any

import typer

from salt_pipeline.pipelines.display.console import hide_progress


def add_verbosity(command: Any) -> None:
    """Gives a command the two options, and with it all commands of its group."""
    command.params += _options()
    for inner in getattr(command, "commands", {}).values():
        add_verbosity(inner)


@cache
def _options() -> tuple[Any, ...]:
    """The two options, as typer makes them from a function's parameters."""
    app = typer.Typer(add_completion=False)
    app.command()(_declared)
    return tuple(typer.main.get_command(app).params)


def _set_quiet(context: typer.Context, wanted: bool) -> None:
    if wanted:
        _set_level(context, logging.WARNING)
        context.call_on_close(hide_progress())


def _set_verbose(context: typer.Context, wanted: bool) -> None:
    if wanted:
        _set_level(context, logging.DEBUG)


def _set_level(context: typer.Context, level: int) -> None:
    """Sets the level of all logs for as long as the command runs."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(level)
    context.call_on_close(lambda: root.setLevel(before))


def _declared(
    _quiet: Annotated[
        bool,
        typer.Option(
            "-q",
            "--quiet",
            help="Show warnings and errors only, and no progress.",
            callback=_set_quiet,
            expose_value=False,
        ),
    ] = False,
    _verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Log details too.", callback=_set_verbose, expose_value=False)
    ] = False,
) -> None:
    """Holds the declarations of the options."""
