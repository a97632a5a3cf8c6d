"""The options that commands of several modules take: the configuration, and the files of the stages."""

from pathlib import Path
from typing import Annotated, Any

import typer

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.files import read_json
from salt_pipeline.pipelines.presets import changed, preset_config

ConfigFile = Annotated[Path | None, typer.Option("--config", help="A configuration as JSON, in place of a preset.")]
PresetName = Annotated[str, typer.Option("--preset", help="Name of a preset, see `salt presets`.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="section.key=value; may be repeated.")]
Dataset = Annotated[str, typer.Option(help="dataset.parquet, from `salt ingest`.")]
Folds = Annotated[str, typer.Option(help="folds.parquet, from `salt fold-split`.")]
Out = Annotated[Path, typer.Option(help="Folder for the stage's outputs.")]


def chosen_config(file: Path | None, preset: str, changes: list[str] | None) -> dict[str, Any]:
    """The configuration that the options of a stage give, as its stage takes it."""
    config = (
        changed(parse_config(read_json(file), str(file)), changes or []) if file else preset_config(preset, changes)
    )
    return config.model_dump(mode="json")
