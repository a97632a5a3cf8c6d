"""One training in a process of its own: one that has trained keeps its memory, and torch is not safe to fork.

Usage: python -m salt_pipeline.pipelines.sweep.training WORK FOLDER..., where each folder holds a job.json and the jobs
differ only in prediction. `pool` calls it.
"""

import logging
import sys
from pathlib import Path

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.pipelines.sweep.job import METRICS, Job, folds_file

JOB = "job.json"
"""Name of the document that says which training a folder is for."""


def write_job(job: Job) -> None:
    """Writes what `read_job` reads, into the job's folder, which is created."""
    document = {"encoder": job.encoder, "fold": job.fold, "config": job.config.model_dump(mode="json")}
    write_json(job.folder / JOB, document)


def read_job(folder: Path, work: Path) -> Job:
    """The job of a folder.

    Args:
        folder: A folder with a job.json.
        work: The folder of the sweep.
    """
    document = read_json(folder / JOB)
    config = parse_config(document["config"], str(folder / JOB))
    return Job(config, document["encoder"], document["fold"], work)


def train_job(job: Job) -> None:
    """Trains, or reads the finished checkpoint, and predicts the held-out images: oof.parquet and metrics.json."""
    from salt_pipeline.components.train_fold.stage import train

    metrics, _facts = train(
        str(job.work / "dataset.parquet"),
        str(folds_file(job.config, job.work)),
        job.encoder,
        job.fold,
        job.config.model_dump(mode="json"),
        run="",
        checkpoints=str(job.work / "checkpoints"),
        model=str(job.folder / "model"),
        oof=str(job.oof),
        curve=str(job.folder / "curve.json"),
    )
    write_json(job.folder / METRICS, metrics)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with exit_on_error():
        for name in sys.argv[2:]:
            train_job(read_job(Path(name), Path(sys.argv[1])))
