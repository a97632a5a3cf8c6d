"""The commands that show configurations: the presets, and every option."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.markup import escape
from rich.table import Table

from salt_pipeline.components.core.config.config import Config, option_text
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
    wanted = (filtered or "").lower()
    found = [row for row in every_option() if wanted in f"{row['option']} {row['meaning']}".lower()]
    if not found:
        raise SaltError("no option has this in its name or meaning", field="FILTER", found=filtered)
    if as_json:
        print_json(found)
        return
    table = Table("option", "default", "meaning", box=None)
    for row in found:
        table.add_row(row["option"], escape(_shown(row["default"])), escape(row["meaning"]))
    print_table(table)


def every_option(section: type[BaseModel] = Config, prefix: str = "", about: str = "") -> Iterator[dict[str, Any]]:
    """The options of the configuration, as its models describe them: name, default, meaning with unit and source.

    Args:
        section: The model of a section, or the complete configuration.
        prefix: Before the names of its options.
        about: What is said of the section as a whole, as the source of all its defaults.
    """
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            _, source, words = (inner.__doc__ or "").partition("Source of every default: ")
            yield from every_option(inner, f"{prefix}{name}.", f" Source: {words.strip()}" * bool(source))
            continue
        meaning = field.description or _of_entries(name)
        default = field.get_default(call_default_factory=True)
        yield {"option": f"{prefix}{name}", "default": _plain(default), "meaning": f"{meaning}{about}"}


def _of_entries(name: str) -> str:
    """The meaning of an option that holds a list of objects: that of each entry's options."""
    from salt_pipeline.components.core.config.config import EncoderConfig

    assert name == "encoders"
    entries: dict[str, FieldInfo] = EncoderConfig.model_fields
    return "The ensemble, a list. " + " ".join(f"`{key}`: {field.description}" for key, field in entries.items())


def _plain(default: Any) -> Any:
    if isinstance(default, tuple):
        return [_plain(entry) for entry in default]
    return default.model_dump(mode="json") if isinstance(default, BaseModel) else default


def _shown(default: Any) -> str:
    """A default as `--set` takes it; empty for none."""
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None or default in ({}, []) else option_text(default)
