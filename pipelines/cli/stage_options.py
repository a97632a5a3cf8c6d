"""The options that commands of several modules take: the configuration, and the files of the stages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from salt_pipeline.components.core.errors import SaltError, one_line

if TYPE_CHECKING:
    from salt_pipeline.components.core.config.config import Config

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A configuration as JSON or YAML, in place of a preset.")
]


def _presets(begun: str) -> list[str]:
    from salt_pipeline.pipelines.presets import PRESETS

    return [name for name in PRESETS if name.startswith(begun)]


def preset_option(default: str) -> Any:
    """The option `--preset` of a command with another default, or of one that has to know whether it was given."""
    words = "Name of a preset, see `salt presets`."
    return typer.Option("--preset", help=words, show_default=default, autocompletion=_presets)


PresetName = Annotated[str, preset_option("quick")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would run, and run nothing.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="section.key=value; may be repeated.")]
Dataset = Annotated[str, typer.Option(help="dataset.parquet, from `salt ingest`.")]
Folds = Annotated[str, typer.Option(help="folds.parquet, from `salt fold-split`.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for the stage's outputs.")]


def chosen_config(file: Path | None, preset: str, changes: list[str] | None) -> dict[str, Any]:
    """The configuration that the options of a stage give, as its stage takes it."""
    return chosen(file, preset, changes).model_dump(mode="json")


def chosen(file: Path | None, preset: str, changes: list[str] | None) -> "Config":
    """The configuration of a file or, without one, of a preset, with the changes.

    Raises:
        SaltError: If one of them is wrong.
    """
    from salt_pipeline.pipelines.presets import changed, preset_config

    if file is None:
        return preset_config(preset, changes)
    from salt_pipeline.pipelines.cli.config_file import read_config

    return changed(read_config(file), changes or [])


def base_name(file: Path | None, preset: str | None, default: str) -> str:
    """The name of what a run's configuration is based on: a preset, or a file without its ending.

    Raises:
        SaltError: If both are given.
    """
    if file and preset:
        raise SaltError("only one of these can be given", field="--config, --preset")
    return one_line(file.stem) if file else preset or default
