"""Prints lines and tables that read the same at a terminal and in a file."""

import json
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from salt_pipeline.components.core.errors import one_line

WIDTH = 160
"""Width of a table that goes to a file or a pipe, in characters."""

_progress: ContextVar[bool] = ContextVar("progress", default=True)


def hide_progress() -> Callable[[], None]:
    """Hides the progress of runs, as `--quiet` wants it; returns a function that shows it again."""
    before = _progress.set(False)
    return lambda: _progress.reset(before)


def shows_progress() -> bool:
    """Whether the progress of runs is shown."""
    return _progress.get()


def say(console: Console, text: str, style: str | None = None) -> None:
    """Prints text as it is: no markup, no highlighting, no line broken; what no terminal can show is escaped."""
    shown = "\n".join(map(one_line, text.split("\n")))
    console.print(shown, style=style, markup=False, highlight=False, soft_wrap=True)


def echo(text: object) -> None:
    """Prints one line on standard output, for people and programs; what no terminal can show is escaped."""
    sys.stdout.write(f"{one_line(text)}\n")


def cell(text: object) -> str:
    """A text as a table shows it: no markup, on one line."""
    return escape(one_line(text))


def print_table(table: Table, width: int = WIDTH) -> None:
    """Prints a table on standard output, as wide as the terminal; `width` characters where there is none."""
    console = Console()
    (console if console.is_terminal else Console(width=width)).print(table)


def print_json(content: Any) -> None:
    """Prints what a table would show as JSON on standard output; times as ISO 8601."""
    sys.stdout.write(f"{json.dumps(content, indent=2, default=str)}\n")
