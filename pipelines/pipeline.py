"""The complete pipeline: the order of its stages, their inputs, and what they request from a cluster."""

import shutil
import tempfile
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, cast

from kfp import compiler, dsl, kubernetes
from kfp.dsl import PipelineTask

from salt_pipeline.components.core.config.cluster import ClusterConfig, threads
from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.container_image import image
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.core.stages import IN_LOOP, StageName
from salt_pipeline.components.ensemble.component import ensemble
from salt_pipeline.components.fold_split.component import fold_split
from salt_pipeline.components.ingest.component import ingest
from salt_pipeline.components.notify.component import notify
from salt_pipeline.components.predict.component import predict
from salt_pipeline.components.report.component import report
from salt_pipeline.components.submission.component import submission
from salt_pipeline.components.train_fold.component import train_fold
from salt_pipeline.pipelines.k8s_names import NOTIFY_KEY, SETTINGS_CONFIG_MAP, SETTINGS_KEYS, STORE_KEYS, STORE_SECRET
from salt_pipeline.pipelines.variant import STANDARD, Variant

OUTSIDE: frozenset[StageName] = frozenset({"ingest", "train_fold", "report"})
"""Stages that access the store or MLflow themselves: they get addresses and keys."""

NOTIFY_SECONDS = 3600
"""Time limit of the exit task on a node: one that hangs would keep the run active, and a schedule from its next run."""

RETRIED_FOR = "8760h"
"""Time limit for the retries of a task, one year: it must never be the reason that a task ends.

Argo counts it from the start of the first attempt, waiting included, not from a failure: a job that is lost after a
longer time is not retried, however many attempts remain, and later attempts are stopped when the limit is reached.
"""


def salt_pipeline(settings: Config, variant: Variant = STANDARD, kfp_run: str = "") -> Callable[..., Any]:
    """Builds the pipeline for a configuration.

    The configuration is also a parameter of the pipeline. Here it sets only what KFP fixes at compile time: the images,
    the parallelism and the resources that tasks request.

    Args:
        settings: The configuration.
        variant: The form of the pipeline.
        kfp_run: Id of the run in Kubeflow Pipelines, or the placeholder for it.
    """

    def on(task: PipelineTask) -> PipelineTask:
        stage = cast(StageName, task.component_spec.name.replace("-", "_"))
        return on_node(settings.cluster, task, stage, variant.cached)

    def stages(data: str, config: dict, run: str, checkpoints: str, data_version: str, origin: dict) -> None:
        # One task takes the configuration as a parameter and returns it as an artifact that the others read: a workflow
        # repeats a parameter six times for each task that has it, and must stay small enough for a retry.
        read = on(ingest(data=data, data_version=data_version, options=config))
        dataset, document = read.outputs["dataset"], read.outputs["config"]
        split = on(fold_split(dataset=dataset, config=document))
        folds = split.outputs["folds"]

        # All jobs at the same time: after a failure, Argo's fail-fast would never start those that wait.
        jobs = len(settings.encoders) * settings.split.folds
        with dsl.ParallelFor(items=split.outputs["Output"], parallelism=jobs, name="jobs") as job:
            trained = on(
                train_fold(
                    dataset=dataset,
                    folds=folds,
                    encoder=job.encoder,
                    fold=job.fold,
                    config=document,
                    run=run,
                    checkpoints=checkpoints,
                )
            )
            predicted = on(predict(dataset=dataset, model=trained.outputs["model"]))

        blended = on(
            ensemble(
                dataset=dataset,
                oof=dsl.Collected(trained.outputs["oof"]),
                maps=dsl.Collected(predicted.outputs["maps"]),
                config=document,
            )
        )
        oof, test = blended.outputs["blended_oof"], blended.outputs["blended_test"]
        models = dsl.Collected(trained.outputs["model"])
        submitted = on(submission(dataset=dataset, folds=folds, oof=oof, test=test, models=models, config=document))
        on(
            report(
                dataset=dataset,
                folds=folds,
                oofs=dsl.Collected(trained.outputs["oof"]),
                curves=dsl.Collected(trained.outputs["curve"]),
                blended_oof=oof,
                choice=submitted.outputs["choice"],
                bundle=submitted.outputs["bundle"],
                config=document,
                run=run,
                origin=origin,
                kfp_run=kfp_run,
                promote=variant.promote,
            )
        )

    @dsl.pipeline(name="salt", description="Finds salt in seismic images: five folds of each encoder, one ensemble.")
    def salt(
        data: str,
        config: dict,
        run: str,
        checkpoints: str,
        data_version: str = "",
        origin: dict = {},  # noqa: B006
    ) -> None:
        name = dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER if variant.recurring else run
        if not variant.notify_secret:
            stages(data, config, name, checkpoints, data_version, origin)
            return
        last = _notified(settings.cluster, notify(run=name, origin=origin, kfp_run=kfp_run), variant.notify_secret)
        with dsl.ExitHandler(last, name="stages"):
            stages(data, config, name, checkpoints, data_version, origin)

    return salt


def _notified(cluster: ClusterConfig, task: PipelineTask, secret: str) -> PipelineTask:
    """The exit task, in the image of the report, which contains MLflow's client.

    The Secret is optional: if it has been deleted, the notification is lost, but the run does not wait for it.
    """
    task.set_container_image(image("report", cluster)).set_caching_options(False)
    task.set_cpu_request("100m").set_memory_request("512Mi").set_memory_limit("512Mi")
    _set_pod(cluster, task, NOTIFY_SECONDS)
    kubernetes.use_config_map_as_env(task, SETTINGS_CONFIG_MAP, {key: key for key in SETTINGS_KEYS})
    kubernetes.use_secret_as_env(task, secret, {NOTIFY_KEY: NOTIFY_KEY}, optional=True)
    return task


def on_node(cluster: ClusterConfig, task: PipelineTask, stage: StageName, cached: Container[StageName]) -> PipelineTask:
    """Sets the image of a task and the node that it needs; the local runners ignore the node.

    Args:
        cluster: The cluster's section of the configuration.
        task: The task.
        stage: The stage whose image, node and secrets it gets.
        cached: Stages whose results may come from a cache.
    """
    node = cluster.node(stage)
    task.set_container_image(image(stage, cluster)).set_caching_options(stage in cached)
    task.set_cpu_request(node.cpu).set_memory_request(node.memory).set_memory_limit(node.memory)
    if stage in IN_LOOP:
        # By default a pod starts one thread per core of its node: ten pods on one node would slow each other down.
        task.set_env_variable("OMP_NUM_THREADS", str(threads(node)))
    if node.retries:
        task.set_retry(node.retries, backoff_duration="30s", backoff_factor=2, backoff_max_duration=RETRIED_FOR)
    if node.accelerator != "none":
        task.set_accelerator_type(node.accelerator).set_accelerator_limit(node.accelerator_count)
    for label, value in (node.node_selector or {}).items():
        kubernetes.add_node_selector(task, label, value)
    for toleration in node.tolerations or ():
        kubernetes.add_toleration(task, **toleration.model_dump())
    if node.shm:
        kubernetes.empty_dir_mount(task, "dshm", "/dev/shm", "Memory", node.shm)  # noqa: S108 - a mount in the pod
    _set_pod(cluster, task, int((node.timeout_hours or 24) * 3600))
    if stage in OUTSIDE:
        kubernetes.use_config_map_as_env(task, SETTINGS_CONFIG_MAP, {key: key for key in SETTINGS_KEYS})
        # Optional: a service account with a role has no keys. `submit` checks whether the Secret is needed.
        kubernetes.use_secret_as_env(task, STORE_SECRET, {key: key for key in STORE_KEYS}, optional=True)
    return task


def _set_pod(cluster: ClusterConfig, task: PipelineTask, seconds: int) -> None:
    """Sets what every pod of a run has: no root, the cluster's labels and pull secrets, and a time limit in seconds."""
    # KFP sets the rest of a restricted pod (no escalation, no capabilities, seccomp), and the image sets the user.
    kubernetes.set_security_context(task, run_as_non_root=True)
    for label, value in cluster.labels().items():
        kubernetes.add_pod_label(task, label, value)
    if cluster.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(cluster.image_pull_secrets))
    kubernetes.set_timeout(task, seconds)


def compile_pipeline(settings: Config, path: str | Path, variant: Variant = STANDARD) -> None:
    """Writes the pipeline as YAML for a KFP cluster.

    Raises:
        SaltError: If the file cannot be written.
    """
    write_compiled(salt_pipeline(settings, variant, dsl.PIPELINE_JOB_ID_PLACEHOLDER), path)


def write_compiled(pipeline: Callable[..., Any], path: str | Path) -> None:
    """Compiles a pipeline and writes it as YAML.

    Raises:
        SaltError: If the file cannot be written.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "salt.yaml")
        compiler.Compiler().compile(pipeline, str(made))
        with atomic_path(path) as part:
            shutil.copyfile(made, part)
