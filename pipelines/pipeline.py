"""The whole pipeline: what runs in which order, what each stage gets, and what it asks of a cluster."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kfp import compiler, dsl, kubernetes
from kfp.dsl import PipelineTask

from components.core.config import ClusterConfig, Config
from components.core.images import image
from components.core.storage import atomic_path
from components.ensemble.component import ensemble
from components.fold_split.component import fold_split
from components.ingest.component import ingest
from components.predict.component import predict
from components.report.component import report
from components.submission.component import submission
from components.train_fold.component import train_fold


def salt_pipeline(settings: Config) -> Callable[..., Any]:
    """Builds the pipeline for a configuration.

    The configuration is also the pipeline's parameter: here it decides only what KFP fixes when it compiles, which is
    the images, the parallelism and what the tasks with a network ask of a node.
    """
    cluster = settings.cluster

    @dsl.pipeline(name="salt", description="Finds salt in seismic images: five folds of each encoder, one ensemble.")
    def salt(data: str, config: dict, run: str, checkpoints: str, data_version: str = "") -> None:
        ingested = _on(cluster, ingest(data=data, data_version=data_version, config=config))
        dataset = ingested.outputs["dataset"]
        split = _on(cluster, fold_split(dataset=dataset, config=config))
        folds = split.outputs["folds"]

        # As many at once as there are jobs: Argo's fail-fast would keep jobs that wait from ever starting.
        jobs = len(settings.encoders) * settings.split.folds
        with dsl.ParallelFor(items=split.outputs["Output"], parallelism=jobs, name="jobs") as job:
            trained = train_fold(
                dataset=dataset, folds=folds, encoder=job.encoder, fold=job.fold,
                config=config, run=run, checkpoints=checkpoints,
            )  # fmt: skip
            _on_gpu(cluster, trained)
            predicted = predict(dataset=dataset, model=trained.outputs["model"], config=config)
            _on_gpu(cluster, predicted)

        blended = ensemble(
            oof=dsl.Collected(trained.outputs["oof"]), maps=dsl.Collected(predicted.outputs["maps"]), config=config
        )
        oof, test = _on(cluster, blended).outputs["blended_oof"], blended.outputs["blended_test"]
        submitted = _on(cluster, submission(dataset=dataset, folds=folds, oof=oof, test=test, config=config))
        reported = report(
            dataset=dataset, folds=folds, oofs=dsl.Collected(trained.outputs["oof"]),
            curves=dsl.Collected(trained.outputs["curve"]), blended_oof=oof, choice=submitted.outputs["choice"],
            config=config, run=run,
        )  # fmt: skip
        _on(cluster, reported)

    return salt


def _on(cluster: ClusterConfig, task: PipelineTask) -> PipelineTask:
    """Runs a task in its stage's image."""
    return task.set_container_image(image(task.component_spec.name.replace("-", "_"), cluster))


def _on_gpu(cluster: ClusterConfig, task: PipelineTask) -> None:
    """Asks for what a task with a network needs; the local runner ignores it."""
    _on(cluster, task)
    task.set_cpu_request(cluster.cpu).set_memory_request(cluster.memory).set_memory_limit(cluster.memory)
    if cluster.retries:
        task.set_retry(cluster.retries, backoff_duration="30s", backoff_factor=2, backoff_max_duration="600s")
    if cluster.accelerator != "none":
        task.set_accelerator_type(cluster.accelerator).set_accelerator_limit(cluster.accelerator_count)
    for label, value in cluster.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for toleration in cluster.tolerations:
        kubernetes.add_toleration(task, **toleration.model_dump())
    kubernetes.empty_dir_mount(task, "dshm", "/dev/shm", "Memory", cluster.shm)  # noqa: S108 - a mount in the pod
    kubernetes.set_timeout(task, int(cluster.timeout_hours * 3600))


def compile_pipeline(settings: Config, path: str | Path) -> None:
    """Writes the pipeline as YAML for a KFP cluster.

    Raises:
        SaltError: If the file cannot be written.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "salt.yaml")
        compiler.Compiler().compile(salt_pipeline(settings), str(made))
        with atomic_path(path) as part:
            shutil.copyfile(made, part)
