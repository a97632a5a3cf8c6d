"""A sweep as one pipeline: the dataset and the folds once, one loop over the jobs of all settings, the comparison."""

from collections.abc import Callable
from typing import Any

from kfp import dsl

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.fold_split.component import fold_split
from salt_pipeline.components.ingest.component import ingest
from salt_pipeline.components.train_fold.component import train_fold
from salt_pipeline.pipelines.k8s_names import SWEEP_PIPELINE
from salt_pipeline.pipelines.pipeline import on_node
from salt_pipeline.pipelines.sweep.component import compare_settings
from salt_pipeline.pipelines.variant import CACHED


def sweep_pipeline(settings: Config, count: int, kfp_run: str = "") -> Callable[..., Any]:
    """Builds the pipeline of a sweep.

    A training has no run's name among its inputs: any sweep finds a training of the same options in the cache.

    Args:
        settings: A configuration: its section `cluster` sets what KFP fixes at compile time.
        count: Number of jobs.
        kfp_run: Id of the run in Kubeflow Pipelines, or the placeholder for it.
    """
    cluster = settings.cluster

    @dsl.pipeline(name=SWEEP_PIPELINE, description="Tries many settings on the same folds, and compares them.")
    def sweep_of_settings(
        data: str,
        config: dict,
        checkpoints: str,
        sweep: dict,
        jobs: list[dict],
        run: str,  # noqa: ARG001 - `salt` finds the run in MLflow by it
        data_version: str = "",
        origin: dict = {},  # noqa: ARG001, B006 - as in the pipeline of a run; the sweep has them too
    ) -> None:
        read = on_node(cluster, ingest(data=data, data_version=data_version, options=config), "ingest", CACHED)
        dataset, document = read.outputs["dataset"], read.outputs["config"]
        split = on_node(cluster, fold_split(dataset=dataset, config=document), "fold_split", CACHED)
        # All jobs at the same time: after a failure, Argo's fail-fast would never start those that wait.
        with dsl.ParallelFor(items=jobs, parallelism=count, name="jobs") as job:
            training = train_fold(
                dataset=dataset,
                folds=split.outputs["folds"],
                encoder=job.encoder,
                fold=job.fold,
                config=document,
                run="",  # no run of its own in MLflow: the comparison records the settings
                checkpoints=checkpoints,
                changes=job.changes,
            )
            trained = on_node(cluster, training, "train_fold", CACHED)
        compared = compare_settings(
            dataset=dataset,
            config=document,
            oofs=dsl.Collected(trained.outputs["oof"]),
            curves=dsl.Collected(trained.outputs["curve"]),
            sweep=sweep,
            kfp_run=kfp_run,
        )
        on_node(cluster, compared, "report", frozenset())

    return sweep_of_settings
