"""The commands that talk to a cluster."""

import typer


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
