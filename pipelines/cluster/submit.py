"""Submits a run to a cluster: checks first, then uploads the pipeline if it is new, then starts the run."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.http_errors import timed_out
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.cluster.upload import upload
from salt_pipeline.pipelines.provenance import origin_of
from salt_pipeline.pipelines.variant import STANDARD, Variant


@dataclass
class Checked:
    """What the checks found.

    Attributes:
        config: The configuration, with the images' tag in it.
        data_version: Identifies the archive's content.
        bucket: The bucket for checkpoints.
        warnings: The checks that could not be made, and their reasons.
    """

    config: Config
    data_version: str = ""
    bucket: str = ""
    warnings: list[str] = field(default_factory=list)


def check(kfp: Kfp, data: str, config: Config, jobs: int | None = None) -> Checked:
    """Checks everything that a run needs.

    A check without an answer in time is a warning: the steps after it show whether the server works.

    Args:
        kfp: The API.
        data: URI of the archive.
        config: The configuration.
        jobs: Number of jobs in the loop; by default those of the configuration.

    Raises:
        SaltErrors: With every problem found.
    """
    from salt_pipeline.pipelines.cluster.capacity import room
    from salt_pipeline.pipelines.images import with_tag

    checked = Checked(config)
    problems: list[SaltError] = []

    def attempt(look: Callable[[], None]) -> None:
        try:
            look()
        except SaltErrors as error:
            problems.extend(error.problems)
        except SaltError as error:
            if timed_out(error):
                checked.warnings.append(f"not checked: {error}")
            else:
                problems.append(error)

    def images() -> None:
        checked.config = with_tag(config)

    def api() -> None:
        kfp.health()

    attempt(images)
    attempt(api)
    attempt(lambda: _check_store(checked, data))
    attempt(lambda: _check_namespace(checked, kfp.settings))
    attempt(lambda: checked.warnings.extend(room(kfp.settings.namespace, checked.config, jobs)))
    if problems:
        raise SaltErrors("nothing was submitted", problems)
    return checked


def _check_store(checked: Checked, data: str) -> None:
    from salt_pipeline.components.core.store.settings import StoreSettings
    from salt_pipeline.components.core.store.store import Store
    from salt_pipeline.components.core.store.uris import is_uri

    if not is_uri(data):
        raise SaltError("a cluster reads from the object store: see `salt data push`", field="--data", found=data)
    settings = StoreSettings()
    if not settings.configured:
        raise SaltError("is not set: data and bucket cannot be checked", field="SALT_S3_ENDPOINT")
    checked.bucket = settings.bucket
    checked.data_version = f"unread-{uuid4().hex}"  # unique: the cache has nothing for an archive that was not read
    store = Store(settings)
    store.check(settings.bucket)
    stat = store.stat(data)
    if stat is None:
        raise SaltError("no such object", file=data, field="--data")
    checked.data_version = stat.metadata.get("sha256") or stat.etag


def _check_namespace(checked: Checked, settings: ClusterSettings) -> None:
    """Checks Secrets and ConfigMap; a missing permission to read them is a warning."""
    from salt_pipeline.pipelines.cluster.kube import Kube, KubeError

    problems = []
    try:
        kube = Kube(settings.namespace)
        wanted: tuple[tuple[str, str, tuple[str, ...], Callable[[str], Any]], ...] = (
            ("ConfigMap", names.SETTINGS_CONFIG_MAP, ("SALT_S3_ENDPOINT",), kube.config_map),
            ("Secret", names.STORE_SECRET, names.STORE_KEYS, kube.secret),
        )
        if kube.has_role(settings.service_account):  # its pods need no keys for the store
            wanted = wanted[:1]
        for kind, name, keys, read in wanted:
            try:
                found = read(name)
            except KubeError as error:
                if not error.denied:
                    raise
                checked.warnings.append(f"{kind} {name}: no permission to read it; not checked")
                continue
            absent = [key for key in keys if not (found or {}).get(key)]
            place = f"{kind} {settings.namespace}/{name}"
            if found is None:
                problems.append(SaltError("is missing: see `salt cluster init` and k8s/", file=place))
            elif absent:
                problems.append(SaltError(f"{', '.join(absent)} is missing", file=place))
            elif kind == "ConfigMap" and checked.bucket and found.get("SALT_S3_BUCKET", "salt") != checked.bucket:
                problems.append(
                    SaltError(
                        "differs from SALT_S3_BUCKET here",
                        file=place,
                        field="SALT_S3_BUCKET",
                        found=found.get("SALT_S3_BUCKET", "salt"),
                        expected=checked.bucket,
                    )
                )
    except KubeError as error:
        checked.warnings.append(f"Secrets and ConfigMap were not checked: {error}")
    if problems:
        raise SaltErrors("the namespace is not ready", problems)


def submit(
    kfp: Kfp,
    checked: Checked,
    data: str,
    *,
    name: str,
    preset: str,
    experiment: str = names.EXPERIMENT,
    variant: Variant = STANDARD,
) -> str:
    """Uploads the pipeline, unless the cluster has this very version, and starts a run.

    Args:
        kfp: The API.
        checked: What `check` found.
        data: URI of the archive.
        name: Name of the run.
        preset: Name of the preset that the configuration is based on.
        experiment: Name of the experiment, which is created if it does not exist.
        variant: How the pipeline is compiled.

    Returns:
        Id of the run.

    Raises:
        KfpError: If the API rejects a call or does not answer.
    """
    version = upload(kfp, checked.config, variant)
    parameters = run_parameters(kfp.settings, checked, data, run=f"{name}-{uuid4().hex[:6]}", preset=preset)
    return kfp.start(name, experiment, version, parameters)


def run_parameters(settings: ClusterSettings, checked: Checked, data: str, *, run: str, preset: str) -> dict[str, Any]:
    """The pipeline's parameters.

    Args:
        settings: The addresses and names of the cluster.
        checked: What `check` found.
        data: URI of the archive.
        run: Name of the run in MLflow, unique to it.
        preset: Name of the preset that the configuration is based on.
    """
    return {
        "data": data,
        "config": checked.config.model_dump(mode="json", exclude_none=True),  # KFP takes no nulls
        "run": run,
        "checkpoints": f"s3://{checked.bucket}/{names.CHECKPOINTS}",
        "data_version": checked.data_version,
        "origin": origin_of(checked.config, preset, "cluster") | {"kfp_ui": settings.kfp_ui_url or settings.kfp_url},
    }


def run_name(preset: str) -> str:
    """The default name of a run."""
    return f"{preset}-{time.strftime('%Y%m%d-%H%M%S')}"
