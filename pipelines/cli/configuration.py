"""The commands that show configurations: the presets, and every option."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.stage_options import AsJson
from salt_pipeline.pipelines.display.console import print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(epilog="Examples: `salt presets`, `salt presets quick`")(presets)
    app.command("options", epilog="Examples: `salt options`, `salt options train`, `salt options learning`")(options)


def presets(
    name: Annotated[str | None, typer.Argument(help="The preset to show in full.")] = None, as_json: AsJson = False
) -> None:
    """Lists the presets, or shows one as JSON."""
    from salt_pipeline.pipelines.presets import PRESETS, preset_config

    if name:
        typer.echo(preset_config(name, option="NAME").model_dump_json(indent=2))
        return
    if as_json:
        print_json([{"preset": key, "purpose": purpose} for key, (purpose, _) in PRESETS.items()])
        return
    table = Table("preset", "purpose", box=None)
    for key, (purpose, _) in PRESETS.items():
        table.add_row(key, purpose)
    print_table(table)


def options(
    filtered: Annotated[
        str | None, typer.Argument(metavar="FILTER", help="Only options whose name or meaning contains this.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lists every option of the configuration: its default, and its meaning with unit and source."""
    from salt_pipeline.pipelines.cli.option_list import every_option, shown

    wanted = (filtered or "").lower()
    found = [row for row in every_option() if wanted in f"{row['option']} {row['meaning']}".lower()]
    if not found:
        raise SaltError("no option has this in its name or meaning", field="FILTER", found=filtered)
    if as_json:
        print_json(found)
        return
    table = Table("option", "default", "meaning", box=None)
    for row in found:
        table.add_row(row["option"], escape(shown(row["default"])), escape(row["meaning"]))
    print_table(table)
