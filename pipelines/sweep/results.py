"""The settings of a sweep, scored on the held-out images and compared with the first one image by image."""

from collections.abc import Iterator, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.labelled import without_salt
from salt_pipeline.components.core.metric import overlap
from salt_pipeline.components.core.paired import Paired, Truth, pair
from salt_pipeline.components.ensemble.mean import blend_rows
from salt_pipeline.components.ensemble.merge import read_in_step
from salt_pipeline.components.ensemble.weights import learn_weights
from salt_pipeline.components.submission.choice import choose, scores
from salt_pipeline.pipelines.sweep.job import Job


class Result(BaseModel):
    """The result of one setting.

    Attributes:
        name: The setting.
        score: Mean score of its held-out images, over all seeds.
        seconds: Mean time of one of its trainings.
        gain: Its difference to the first setting; None for the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    score: float
    seconds: float
    gain: Paired | None


def image_scores(jobs: Sequence[Job], truth: Truth) -> dict[str, float]:
    """The score of each held-out image under the weighted mean of the encoders' maps.

    As in a run, an image of one grey level holds no salt.

    A threshold, smallest area or weight that is to be chosen is chosen for each fold on the other folds.

    Args:
        jobs: The jobs of one setting and seed.
        truth: The labelled images.

    Raises:
        SaltError: If a value is to be chosen and there is only one fold, or maps are not those of their job.
    """
    config, mask_by_id = jobs[0].config, truth.mask_by_id
    rules = config.submission.threshold, config.submission.min_area
    learned = config.ensemble.weights == "learned"
    folds = sorted({job.fold for job in jobs})
    if ("best" in rules or learned) and len(folds) < 2:
        raise SaltError("is chosen on folds other than the one it is scored on", field="--fold", expected="two or more")
    for job in jobs:
        job.check_maps()
    files = [[str(job.oof) for job in jobs if job.fold == fold] for fold in folds]
    weights = [tuple(encoder.weight for encoder in config.encoders)] * len(folds)
    if learned:
        weights = learn_weights(map(read_in_step, files), mask_by_id, len(config.encoders))[:-1]
    blended = [list(blend_rows(read_in_step(of_fold), of, 1)) for of_fold, of in zip(files, weights, strict=True)]
    ids = [image for parts in blended for rows in parts for image in rows.ids_B.tolist()]
    folds_B = np.concatenate([np.full(sum(map(len, parts)), fold) for fold, parts in zip(folds, blended, strict=True)])
    flat = dict(zip(truth.ids, truth.flat_B, strict=True))
    maps_BHW = np.concatenate([rows.map_BHW for parts in blended for rows in parts])
    maps_BHW = without_salt(maps_BHW, np.array([flat[image] for image in ids]))
    found = overlap(maps_BHW, np.stack([mask_by_id[image] for image in ids]))
    score_B = np.zeros(len(ids))
    for fold in np.unique(folds_B):
        own_B = folds_B == fold
        others_B = ~own_B if "best" in rules else own_B
        chosen = choose(found.of(others_B), folds_B[others_B], *rules)
        score_B[own_B] = scores(found.of(own_B), chosen)
    return dict(zip(ids, score_B.tolist(), strict=True))


def results(names: Sequence[str], jobs: Sequence[list[list[Job]]], truth: Truth) -> list[Result]:
    """Each setting's score and cost, and its difference to the first, paired by image.

    Args:
        names: Name of each setting.
        jobs: The finished jobs of each setting, by seed.
        truth: The labelled images.
    """
    base = [image_scores(same, truth) for same in jobs[0]]
    found = []
    for name, seeds in zip(names, jobs, strict=True):
        own = base if seeds is jobs[0] else [image_scores(same, truth) for same in seeds]
        gain = None
        if seeds is not jobs[0]:
            common = sorted(set(base[0]) & set(own[0]))
            before_B, after_B = (np.mean([[one[i] for i in common] for one in x], axis=0) for x in (base, own))
            gain = pair(name, before_B, after_B)
        score = np.mean([score for of_seed in own for score in of_seed.values()])
        seconds = np.mean([job.seconds for same in seeds for job in same])
        found.append(Result(name=name, score=float(score), seconds=float(seconds), gain=gain))
    return found


def summary(found: Sequence[Result]) -> Iterator[str]:
    """The table with the best setting first, and what it says.

    Args:
        found: The results in the order of the sweep: the first is what the others are compared with.
    """
    ordered = sorted(found, key=lambda result: -result.score)
    best, first = ordered[0], found[0].name
    yield from table(ordered)
    yield f"Differences are to `{first}`, paired by image."
    if best.gain and best.gain.low <= 0:
        yield f"The interval of the best setting includes zero: `{best.name}` is not distinguished from `{first}`."


def table(found: Sequence[Result]) -> Iterator[str]:
    """The lines of a Markdown table, in the order given."""
    yield "| change | score | difference | 95 % interval | won | lost | s per training |"
    yield "| --- | --: | --: | :-: | --: | --: | --: |"
    for one in found:
        paired = "| | | | |"
        if gain := one.gain:
            paired = f"| {gain.mean:+.4f} | {gain.low:+.4f} to {gain.high:+.4f} | {gain.won} | {gain.lost} |"
        yield f"| {one.name} | {one.score:.4f} {paired} {one.seconds:.0f} |"
