"""Finished jobs of two folds whose maps have known scores."""

from pathlib import Path

import numpy as np

from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.paired import Truth
from salt_pipeline.components.core.schemas import MAPS, SIDE, pixels_to_array, write_table
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.job import Job
from tests.components.dataset import write_dataset

ENCODER = "tu-tf_efficientnet_lite0"
BASE = ["split.folds=2", f'encoders=[{{"name": "{ENCODER}", "weight": 1}}]', "submission.threshold=0.5"]
IDS = [f"{number:010x}" for number in range(8)]
FOLDS = (IDS[0::2], IDS[1::2])


def mask(width: int) -> np.ndarray:
    """A mask whose leftmost columns are salt."""
    columns = np.arange(SIDE) < width
    return np.broadcast_to(columns, (SIDE, SIDE)).astype(np.uint8)


def truth(*widths: int) -> Truth:
    """The images of the jobs, whose masks have the given widths."""
    images_BHW = np.random.default_rng(0).integers(0, 256, (len(IDS), SIDE, SIDE), np.uint8)
    return Truth(IDS, images_BHW, np.stack([mask(width) for width in widths]), "")


TRUTH = truth(*[50] * len(IDS))


def write_images(work: Path) -> Path:
    """Writes the dataset of the jobs."""
    pixels, masks = pixels_to_array(TRUTH.image_BHW), pixels_to_array(TRUTH.mask_BHW)
    columns = {"id": IDS, "labelled": [True] * 8, "image": pixels, "mask": masks, "depth": [100] * 8}
    columns["position"] = [None] * 8
    write_dataset(work / "dataset.parquet", columns, source="one.zip")
    return work


def jobs_with(work: Path, *changes: str) -> list[Job]:
    """The two jobs of a configuration."""
    config = preset_config("cpu", [*BASE, *changes])
    return [Job(config, ENCODER, fold, work) for fold in range(2)]


def trained(work: Path, *changes: str, widths: list[int], seconds: float = 1.0) -> list[Job]:
    """The outputs of the two jobs of a configuration, which predict the given number of columns of each image."""
    by_id = dict(zip(IDS, widths, strict=True))
    jobs = jobs_with(work, *changes)
    for job, ids in zip(jobs, FOLDS, strict=True):
        maps_BHW = np.stack([mask(by_id[image]) * 200 for image in ids]).astype(np.uint8)
        job.folder.mkdir(parents=True)
        columns = {"id": ids, "map": pixels_to_array(maps_BHW), "salt": np.ones(len(ids), np.float32)}
        key = {"config_hash": job.config.hash, "encoder": ENCODER, "fold": str(job.fold)}
        write_table(job.oof, MAPS, columns, key)
        write_json(job.folder / "metrics.json", {"training_seconds": seconds, "score": 0.5})
    return jobs
