"""Downloads a run's artifacts from the object store to their predictable places in a local folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kfp import ClusterRun, Kfp
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.cluster.watch import run_tasks
from salt_pipeline.pipelines.places import PLACES, RESULTS, RESULTS_OF_SWEEP, job_folder


@dataclass(frozen=True)
class Found:
    """A file of a run in the store.

    Attributes:
        uri: Its URI.
        output: Task and output it belongs to, as `train-fold/model`.
        execution: Id of the execution that wrote it.
        inside: Its path inside an output that is a folder.
        size: Bytes.
        modified: When it was written.
    """

    uri: str
    output: str
    execution: str
    inside: str
    size: int
    modified: datetime


def fetch(kfp: Kfp, run: ClusterRun, out: Path, everything: bool = False) -> tuple[list[Path], list[str]]:
    """Downloads a run's results.

    Args:
        kfp: The API.
        run: The run.
        out: The folder; existing files are replaced.
        everything: Download all artifacts, not the results alone.

    Returns:
        The files, and the results that the run does not have.

    Raises:
        SaltError: If the store has nothing of the run, or cannot be read.
    """
    from salt_pipeline.components.core.store.store import Store

    store = Store()
    home = f"{artifact_root(kfp, run)}/{names.SWEEP_PIPELINE if run.is_sweep else names.PIPELINE}"
    results = RESULTS_OF_SWEEP if run.is_sweep else RESULTS
    files: list[Found] = []
    jobs: dict[str, str] = {}
    for one in [run, *_earlier(kfp, run)] if everything else [run]:
        files += find(store.list(f"{home}/{one.id}/"), f"{home}/{one.id}")
        jobs |= executions(kfp, one) if everything else {}
    if not files:
        raise SaltError("the store has no artifacts of this run", file=f"{home}/{run.id}", found=f"state {run.state}")
    if not everything:
        files = [file for file in files if file.output in results]
    newest: dict[str, Found] = {}
    for file in sorted(files, key=lambda file: file.modified):
        newest[place(file, jobs)] = file
    paths = []
    for where, file in sorted(newest.items()):
        store.download(file.uri, str(out / where))
        paths.append(out / where)
    have = {file.output for file in files}
    return paths, [PLACES[output] for output in results if output not in have]


def _earlier(kfp: Kfp, run: ClusterRun) -> list[ClusterRun]:
    """The runs that this one continues: the results of their finished jobs are stored under them."""
    name = run.tracked_name
    return [one for one in kfp.runs_tracked_as(name) if one.id != run.id] if name else []


def find(listed: Iterator[tuple[str, Any]], root: str) -> Iterator[Found]:
    """Splits the names that KFP gives artifacts: root/task/execution/output, and a path inside folders."""
    for uri, stat in listed:
        parts = uri.removeprefix(f"{root}/").split("/")
        if len(parts) >= 3:
            task, execution, output, *inside = parts
            yield Found(uri, f"{task}/{output}", execution, "/".join(inside), stat.size, stat.modified)


def place(file: Found, jobs: dict[str, str]) -> str:
    """The path of a file in the folder; with its execution's id if the job is not known.

    Raises:
        SaltError: If its name would leave the folder.
    """
    task, _, output = file.output.partition("/")
    where = PLACES.get(file.output, f"{task}/{file.execution}/{output}")
    if "{job}" in where:
        where = where.format(job=jobs.get(file.execution, file.execution))
    where = f"{where}/{file.inside}" if file.inside else where
    if any(part in ("", ".", "..") for part in where.split("/")):
        raise SaltError("is not a valid file name", file=file.uri)
    return where


def executions(kfp: Kfp, run: ClusterRun) -> dict[str, str]:
    """Encoder and fold, as `name/fold3`, by the ids under which a loop's tasks wrote their outputs.

    A task's driver chooses the outputs' URIs, and the workflow keeps them.
    """
    jobs = run.jobs
    found = {}
    for task in run_tasks(kfp, run.id):
        job = task.job(jobs)
        if job:
            marker = f"/{run.id}/{task.stage}/"
            for part in task.outputs.split(marker)[1:]:
                found[part[:36]] = job_folder(*job)
    return found


def artifact_root(kfp: Kfp, run: ClusterRun) -> str:
    """URI under which the cluster keeps artifacts: the run's own, the settings', the cluster's or KFP's default.

    Raises:
        SaltError: If it is not in an object store with S3's interface.
    """
    root = (
        run.pipeline_root or kfp.settings.pipeline_root or _launcher_root(kfp.settings) or names.DEFAULT_PIPELINE_ROOT
    )
    scheme, _, rest = root.partition("?")[0].rstrip("/").partition("://")
    if scheme not in ("s3", "minio"):
        raise SaltError("is not in an object store", field="pipeline root", found=root, expected="s3:// or minio://")
    return f"s3://{rest}"


def _launcher_root(settings: ClusterSettings) -> str | None:
    from salt_pipeline.pipelines.cluster.kube import Kube

    try:
        return (Kube(settings.namespace).config_map(names.KFP_LAUNCHER_CONFIG_MAP) or {}).get("defaultPipelineRoot")
    except SaltError:
        return None
