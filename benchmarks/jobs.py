"""The trainings of an ablation: one for each variant, seed, encoder and fold, by the stage that the pipeline runs."""

import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import content_hash, write_json
from salt_pipeline.components.core.schemas import DATASET, FOLDS, open_table, table_metadata

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One training: a variant's configuration under a seed, one encoder, one fold."""

    config: Config
    encoder: str
    fold: int
    work: Path

    @property
    def training(self) -> str:
        """Name of the training; jobs that differ only in prediction have it in common."""
        return f"{self.config.hash}/{self.encoder}/fold{self.fold}"

    @property
    def folder(self) -> Path:
        """Folder of its maps and metrics."""
        return self.work / "jobs" / content_hash(self.config.predict.model_dump(mode="json")) / self.training


def run_jobs(jobs: list[Job], workers: int) -> None:
    """Runs the jobs that have not finished, a few at the same time; jobs of one training follow each other.

    A failure is logged at once and does not stop the others.

    Raises:
        Exception: The error of the first training that failed, once all have ended.
    """
    trainings: dict[str, list[Job]] = {}
    for job in jobs:
        if not (job.folder / "metrics.json").is_file():
            trainings.setdefault(job.training, []).append(job)
    threads = max(1, (os.cpu_count() or 1) // workers)
    # A new process for each: one that has trained keeps its memory, and torch is not safe to fork.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, max_tasks_per_child=1) as pool:
        running = {pool.submit(train_jobs, same, threads): name for name, same in trainings.items()}
        for number, done in enumerate(as_completed(running), 1):
            log.info("%d of %d trainings: %s", number, len(running), running[done])
            if error := done.exception():
                log.error("failed: %s", error)
    for done in running:
        done.result()


def train_jobs(jobs: list[Job], threads: int) -> None:
    """Trains once, then predicts the held-out images by the settings of each job: oof.parquet and metrics.json."""
    import torch

    from salt_pipeline.components.train_fold.stage import train

    torch.set_num_threads(threads)
    for job in jobs:
        job.folder.mkdir(parents=True, exist_ok=True)
        metrics, _facts = train(
            str(job.work / "dataset.parquet"),
            str(folds_file(job.config, job.work)),
            job.encoder,
            job.fold,
            job.config.model_dump(mode="json"),
            run="",
            checkpoints=str(job.work / "checkpoints"),
            model=str(job.folder / "model"),
            oof=str(job.folder / "oof.parquet"),
            curve=str(job.folder / "curve.json"),
        )
        write_json(job.folder / "metrics.json", metrics)


def folds_file(config: Config, work: Path) -> Path:
    """File with the folds of a configuration: the seed of the base splits, whichever seed trains."""
    return work / f"folds-{content_hash(config.split.model_dump(mode='json'))}.parquet"


def prepare(archive: Path, configs: list[Config], work: Path) -> None:
    """Reads the archive and splits it as each configuration says, unless the files exist.

    Raises:
        SaltError: If the archive is wrong, or the folder holds another one or folds of another seed.
    """
    from salt_pipeline.components.fold_split.stage import split
    from salt_pipeline.components.ingest.stage import ingest

    dataset, seed = work / "dataset.parquet", configs[0].seed
    if not dataset.is_file():
        ingest(str(archive), configs[0].model_dump(mode="json"), str(dataset))
    source = table_metadata(open_table(dataset, DATASET))["source"]
    if source != archive.name:
        problem = "was made from another archive: use another folder"
        raise SaltError(problem, file=dataset, field="source", found=source, expected=archive.name)
    for config in configs:
        path = folds_file(config, work)
        if not path.is_file():
            split(str(dataset), config.model_copy(update={"seed": seed}).model_dump(mode="json"), str(path))
        found = table_metadata(open_table(path, FOLDS))["seed"]
        if found != str(seed):
            problem = "was split with another seed: use another folder"
            raise SaltError(problem, file=path, field="seed", found=found, expected=seed)
