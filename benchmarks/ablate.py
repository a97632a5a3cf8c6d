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
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.jobs import Job, prepare, run_jobs
from salt_pipeline.components.core.errors import SaltError, exit_on_error
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.metric import overlap
from salt_pipeline.components.core.paired import Truth, pair, read_truth
from salt_pipeline.components.ensemble.mean import blend_rows
from salt_pipeline.components.ensemble.merge import read_in_step
from salt_pipeline.components.ensemble.weights import learn_weights
from salt_pipeline.components.submission.choice import choose, scores
from salt_pipeline.pipelines.presets import changed, preset_config
from salt_pipeline.pipelines.provenance import git_revision


def image_scores(jobs: list[Job], mask_by_id: dict[str, NDArray[np.uint8]]) -> dict[str, float]:
    """The score of each held-out image under the weighted mean of the encoders' maps.

    A threshold, smallest area or weight that is to be chosen is chosen for each fold on the other folds.

    Args:
        jobs: The jobs of one variant and seed.
        mask_by_id: True mask (101, 101) of each image.

    Raises:
        SaltError: If a value is to be chosen and there is only one fold.
    """
    config = jobs[0].config
    rules = config.submission.threshold, config.submission.min_area
    learned = config.ensemble.weights == "learned"
    folds = sorted({job.fold for job in jobs})
    if ("best" in rules or learned) and len(folds) < 2:
        raise SaltError("is chosen on folds other than the one it is scored on", field="--fold", expected="two or more")
    files = [[str(job.folder / "oof.parquet") for job in jobs if job.fold == fold] for fold in folds]
    weights = [tuple(encoder.weight for encoder in config.encoders)] * len(folds)
    if learned:
        weights = learn_weights((read_in_step(of_fold) for of_fold in files), mask_by_id, len(config.encoders))[:-1]
    blended = [list(blend_rows(read_in_step(of_fold), of, 1)) for of_fold, of in zip(files, weights, strict=True)]
    ids = [image for parts in blended for rows in parts for image in rows.ids_B.tolist()]
    folds_B = np.concatenate([np.full(sum(map(len, parts)), fold) for fold, parts in zip(folds, blended, strict=True)])
    maps_BHW = np.concatenate([rows.map_BHW for parts in blended for rows in parts])
    found = overlap(maps_BHW, np.stack([mask_by_id[image] for image in ids]))
    score_B = np.zeros(len(ids))
    for fold in np.unique(folds_B):
        own_B = folds_B == fold
        others_B = ~own_B if "best" in rules else own_B
        chosen = choose(found.of(others_B), folds_B[others_B], *rules)
        score_B[own_B] = scores(found.of(own_B), chosen)
    return dict(zip(ids, score_B.tolist(), strict=True))


def table(changes: list[str], jobs: list[list[list[Job]]], truth: Truth) -> Iterator[str]:
    """Each variant's score and cost, and its difference to the first, paired by image.

    Args:
        changes: Name of each variant.
        jobs: The jobs of each variant, by seed.
        truth: The labelled images.
    """
    mask_by_id = truth.mask_by_id
    yield "| change | score | difference | 95 % interval | won | lost | s a training |"
    yield "| --- | --: | --: | :-: | --: | --: | --: |"
    base = [image_scores(same, mask_by_id) for same in jobs[0]]
    for name, seeds in zip(changes, jobs, strict=True):
        found = [image_scores(same, mask_by_id) for same in seeds]
        mean = np.mean([score for of_seed in found for score in of_seed.values()])
        seconds = np.mean([read_json(job.folder / "metrics.json")["training_seconds"] for s in seeds for job in s])
        paired = "| | | | |"
        if seeds is not jobs[0]:
            common = sorted(set(base[0]) & set(found[0]))
            before_B, after_B = (np.mean([[one[i] for i in common] for one in x], axis=0) for x in (base, found))
            gain = pair(name, before_B, after_B)
            paired = f"| {gain.mean:+.4f} | {gain.low:+.4f} to {gain.high:+.4f} | {gain.won} | {gain.lost} |"
        yield f"| {name} | {mean:.4f} {paired} {seconds:.0f} |"


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
    prepare(archive, configs, work)
    jobs = [
        [
            [
                Job(config.model_copy(update={"seed": one}), encoder.name, k, work)
                for k in fold or range(config.split.folds)
                for encoder in config.encoders
            ]
            for one in seed or [first.seed]
        ]
        for config in configs
    ]
    # Seed by seed, fold by fold: the variants of one seed and fold run under the same load of the machine.
    in_turn = [job for row in zip_longest(*([j for s in seeds for j in s] for seeds in jobs)) for job in row if job]
    run_jobs(in_turn, workers)

    truth, revision = read_truth(work / "dataset.parquet"), git_revision()
    command = shlex.join(["python", "-m", "benchmarks.ablate", archive.name, "WORK", *sys.argv[3:]])
    text = "\n".join(
        [
            f"\n### {title}\n\n```sh\n{command}\n```\n",
            *table(["base", *(f"`{text}`" for text in change)], jobs, truth),
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
