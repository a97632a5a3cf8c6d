"""Paired ablations: one base configuration, changes of it, the same folds, seeds and budget for all.

Each variant is trained by the stage that the pipeline runs, and each held-out image is scored by the exact metric; the
differences to the base are taken image by image. A finished training is not repeated: an interrupted study resumes, and
one more change costs one more training.

Run: python -m benchmarks.ablate ARCHIVE WORK --preset cpu --change model.gate=false --change "model.scse=false"
"""

import logging
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.paired import read_truth
from salt_pipeline.pipelines.presets import changed, preset_config
from salt_pipeline.pipelines.provenance import git_revision
from salt_pipeline.pipelines.sweep.inputs import prepare
from salt_pipeline.pipelines.sweep.job import in_turn, jobs_of
from salt_pipeline.pipelines.sweep.pool import run_jobs
from salt_pipeline.pipelines.sweep.results import results, table


def machine() -> str:
    """Describes the machine of the study."""
    import torch

    from salt_pipeline.components.network.device import device_name, pick_device

    return f"{device_name(pick_device())}, {os.cpu_count()} cores, torch {torch.__version__}"


def study(
    archive: Annotated[Path, typer.Argument(help="The TGS archive.")],
    work: Annotated[Path, typer.Argument(help="Folder that keeps dataset, folds, checkpoints and maps.")],
    preset: Annotated[str, typer.Option(help="Preset that the base configuration starts from.")] = "cpu",
    base: Annotated[list[str], typer.Option("--set", help="Setting of the base, as `train.epochs=6`.")] = [],  # noqa: B006
    change: Annotated[list[str], typer.Option(help="One variant: the settings that differ, separated by spaces.")] = [],  # noqa: B006
    fold: Annotated[list[int], typer.Option(help="Folds to train; all by default.")] = [],  # noqa: B006
    seed: Annotated[list[int], typer.Option(help="Training seeds; the split keeps the base's seed.")] = [],  # noqa: B006
    workers: Annotated[int, typer.Option(help="Number of trainings that run at the same time.")] = 1,
    title: Annotated[str, typer.Option(help="Heading of the study.")] = "Ablation",
    append: Annotated[Path | None, typer.Option(help="Markdown file to append the table to.")] = None,
) -> None:
    """Trains the base and its variants, and compares them image by image."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    first = preset_config(preset, ["submission.threshold=0.5", "submission.min_area=0", *base])
    configs = [first, *(changed(first, shlex.split(text)) for text in change)]
    prepare(str(archive), configs, work)
    names = ["base", *(f"`{text}`" for text in change)]
    jobs = [
        jobs_of(config, fold or range(config.split.folds), seed or [first.seed], work, name)
        for config, name in zip(configs, names, strict=True)
    ]
    run_jobs(in_turn(jobs), workers, str(max(1, (os.cpu_count() or 1) // workers)))

    truth, revision = read_truth(work / "dataset.parquet"), git_revision()
    command = shlex.join(["python", "-m", "benchmarks.ablate", archive.name, "WORK", *sys.argv[3:]])
    text = "\n".join(
        [
            f"\n### {title}\n\n```sh\n{command}\n```\n",
            *table(results(names, jobs, truth)),
            f"\nBase configuration {first.hash}, data {truth.data_hash}, code {revision[:7]}{revision[40:]};",
            f"{machine()}, {workers} at a time.\n",
        ]
    )
    sys.stdout.write(text)
    if append:
        with append.open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    with exit_on_error():
        typer.run(study)
