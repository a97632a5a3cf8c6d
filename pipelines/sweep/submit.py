"""Starts a sweep on a cluster, as one run of a pipeline."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from kfp import dsl

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.submit import Checked, run_parameters
from salt_pipeline.pipelines.cluster.upload import upload_compiled
from salt_pipeline.pipelines.pipeline import write_compiled
from salt_pipeline.pipelines.sweep.folder import SweepFolder, chosen_folds, chosen_seeds
from salt_pipeline.pipelines.sweep.job import Job
from salt_pipeline.pipelines.sweep.pipeline import sweep_pipeline
from salt_pipeline.pipelines.sweep.settings import Setting

MOST_JOBS = 60
"""Most jobs of a sweep on a cluster.

The comparison gets the artifacts of all jobs, an estimated 1.2 kB for each job, as one argument of its process, and
Linux allows 128 KiB. Argo keeps the state of a run in one packed object of at most 1 MB, and a task was measured to
take 8.4 kB of it.
"""


def plan_on_cluster(
    data: str | None,
    preset: str,
    base: Sequence[str],
    settings: Sequence[Setting],
    folds: Sequence[int],
    seeds: Sequence[int],
) -> SweepFolder:
    """Plans a sweep on a cluster; it has no folder on this machine.

    Args:
        data: URI of the archive.
        preset: Name of the preset.
        base: The `--set` options that all settings have in common.
        settings: What is to be tried.
        folds: The folds to hold out; none for all.
        seeds: The seeds of the trainings; none for that of the configuration.

    Raises:
        SaltError: If there is no archive, a fold or seed is not valid, or there are too many jobs for one run.
    """
    if data is None:
        raise SaltError("is missing", field="--data", expected="the archive in the object store, s3://bucket/key")
    planned = SweepFolder(
        path=Path(),
        run=f"sweep-{uuid4().hex[:6]}",
        data=data,
        data_version="unread",
        preset=preset,
        base=tuple(base),
        settings=tuple(settings),
        folds=chosen_folds(settings, folds),
        seeds=chosen_seeds(settings, seeds),
        origin={},
    )
    if (count := len(planned.distinct_jobs())) > MOST_JOBS:
        expected = f"at most {MOST_JOBS} on a cluster: fewer values, --random, --fold, or one encoder"
        raise SaltError("too many jobs", field="--set", found=count, expected=expected)
    return planned


def submit_sweep(kfp: Kfp, checked: Checked, planned: SweepFolder) -> str:
    """Uploads the pipeline of a sweep, unless the cluster has this very version, and starts a run.

    Args:
        kfp: The API.
        checked: What `cluster.submit.check` found for the configuration of the first setting.
        planned: The sweep.

    Returns:
        Id of the run.

    Raises:
        KfpError: If the API rejects a call or does not answer.
    """
    parameters = sweep_parameters(
        planned, run_parameters(kfp.settings, checked, planned.data, run=planned.run, preset=planned.preset)
    )
    pipeline = sweep_pipeline(checked.config, len(parameters["jobs"]), dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    version = upload_compiled(
        kfp,
        names.SWEEP_PIPELINE,
        "Tries many settings on the same folds, and compares them.",
        lambda path: write_compiled(pipeline, path),
    )
    return kfp.start(planned.run, names.EXPERIMENT, version, parameters)


def sweep_parameters(planned: SweepFolder, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a sweep's pipeline.

    Args:
        planned: The sweep.
        parameters: Those that it has in common with the pipeline of a run.
    """
    sweep = planned.model_dump(mode="json", include={"preset", "base", "folds", "seeds"})
    sweep |= {key: parameters[key] for key in ("run", "data", "data_version", "origin")}
    sweep["settings"] = [list(setting.changes) for setting in planned.settings]
    folds_seed = planned.settings[0].config.seed
    if set(planned.seeds) != {folds_seed}:
        # A training's seed is part of its checkpoint's path, but that of the folds is not: a run of the training's seed
        # has other folds under the same path.
        parameters = parameters | {"checkpoints": f"{parameters['checkpoints']}/folds-{folds_seed}"}
    return parameters | {"sweep": sweep, "jobs": [_item(job, planned) for job in planned.distinct_jobs()]}


def _item(job: Job, planned: SweepFolder) -> dict[str, Any]:
    """A job as an item of the loop: the options in which its training differs from the first setting are one JSON text.

    What applies after the training is left out: KFP's cache goes by the text.
    """
    first = planned.settings[0].config.flat()
    changes = {
        name: value
        for name, value in job.config.flat().items()
        if value != first[name] and not name.startswith(("submission.", "ensemble."))
    }
    return {"encoder": job.encoder, "fold": job.fold, "changes": json.dumps(changes)}
