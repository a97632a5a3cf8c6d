"""Checks of the servers: Kubeflow Pipelines, the object store, MLflow, and their clocks."""

import os
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.failures import code_of
from salt_pipeline.components.core.store.settings import StoreSettings, is_store_chosen
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.http_errors import ask
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError
from salt_pipeline.pipelines.cluster.mlflow_server import server_address, server_version
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.doctor import fixes
from salt_pipeline.pipelines.doctor.retries import retry_window
from salt_pipeline.pipelines.doctor.verdict import Check, NotChecked, State

if TYPE_CHECKING:
    from salt_pipeline.components.core.store.store import Store

KFP_TESTED = "2.17"
"""Version of Kubeflow Pipelines that this pipeline was tested with."""
SKEW_WARNED, SKEW_FAILED = 30, 600
"""Differences of the clocks, in seconds, that are a warning and a failure.

S3 rejects requests whose signature is more than a quarter of an hour away from its own time.
"""

KFP = "Kubeflow Pipelines"


def checks(settings: ClusterSettings) -> dict[str, Check]:
    """The checks by name."""
    return {
        KFP: lambda: kubeflow(settings),
        "retry window": lambda: retry_window(Kfp(settings)),
        "bucket": lambda: bucket(settings.namespace),
        "MLflow": lambda: mlflow(settings.namespace),
        "clocks": lambda: clocks(settings),
    }


def needed_without_cluster() -> set[str]:
    """The checks of what a local run uses too, as far as it is set: a store and an MLflow server."""
    return {"MLflow", "clocks", *(["bucket"] if is_store_chosen() else [])}


def kubeflow(settings: ClusterSettings) -> tuple[State, str, str]:
    """The API answers, in a tested version."""
    kfp = Kfp(settings)
    try:
        health = kfp.health()
    except KfpError as error:
        return "fail", str(error).partition("; is it forwarded?")[0], fixes.kubeflow(error, settings)
    version = health.get("tag_name") or "unknown"
    known = version.removeprefix("v").startswith(KFP_TESTED)
    if health.get("multi_user"):
        if settings.namespace == settings.kfp_namespace:
            return "fail", f"{version}, in multi-user mode", "name your profile's namespace: -n, or SALT_NAMESPACE"
        next(kfp.runs(), None)  # health needs no permission, a listing that to read the namespace
        version += f", in multi-user mode; runs in {settings.namespace}"
    return ("ok" if known else "warn"), version, "" if known else f"tested with {KFP_TESTED}"


def bucket(namespace: str) -> tuple[State, str, str]:
    """An object can be written to it, read and removed; whoever only submits needs no permission to write."""
    settings = StoreSettings()
    if not settings.configured:
        return "fail", "no object store is set", "set SALT_S3_ENDPOINT, SALT_S3_ACCESS_KEY and SALT_S3_SECRET_KEY"
    from salt_pipeline.components.core.store.store import Store

    found = False
    try:
        store = Store(settings, patience=0)
        store.check(settings.bucket)
        found = True
        _write_and_read(store, settings.bucket)
    except SaltError as error:
        if found and code_of(error) == "AccessDenied":
            return "warn", str(error), "ask for the permission to write data/ if you need it: `salt data push` does"
        return "fail", str(error), fixes.store(error, settings, namespace)
    return "ok", f"{settings.bucket} at {settings.endpoint or 'AWS'}: written, read, removed", ""


def _write_and_read(store: "Store", bucket: str) -> None:
    uri = f"s3://{bucket}/data/probes/{uuid4().hex}"
    content = b"written by salt doctor"
    store.put(uri, content)
    try:
        if store.get(uri) != content:
            raise SaltError("returns other bytes than were written", file=uri)
    finally:
        store.remove(uri)


def mlflow(namespace: str) -> tuple[State, str, str]:
    """The server answers, in a version that is compatible with the installed client."""
    address = server_address()
    if address is None:
        found = "no server" if os.environ.get("MLFLOW_TRACKING_URI") else "not set here"
        raise NotChecked(
            f"MLFLOW_TRACKING_URI is {found}; pods take theirs from {names.SETTINGS_CONFIG_MAP}",
            "set it so that `salt runs` and `salt compare` show scores",
        )
    try:
        server = server_version(address)
    except SaltError as error:
        return "fail", str(error), fixes.mlflow(address, namespace)
    ours = _mlflow_client()
    good = ours is None or server.partition(".")[0] == ours.partition(".")[0]
    return ("ok" if good else "warn"), f"{server} at {address}", "" if good else f"the client is {ours}"


def _mlflow_client() -> str | None:
    """The version of the installed client; None without one."""
    for name in ("mlflow", "mlflow-skinny"):  # the second is the first's part for light installations
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def clocks(settings: ClusterSettings) -> tuple[State, str, str]:
    """This machine's clock and the servers' agree."""
    store = StoreSettings()
    asked: dict[str, Any] = {"Kubeflow Pipelines": lambda: Kfp(settings).date()}
    if store.endpoint:
        asked["store"] = lambda: ask(str(store.endpoint), str(store.ca_file) if store.ca_file else None)[2]
    skews: dict[str, float] = {}
    for server, date in asked.items():
        try:
            answered = date()
            if answered:
                skews[server] = (parsedate_to_datetime(answered) - datetime.now(UTC)).total_seconds()
        except (SaltError, ValueError):
            continue
    if not skews:
        raise NotChecked("no server reported its time")
    # HTTP dates have full seconds only.
    found = ", ".join(f"{server} {'agrees' if abs(s) < 2 else f'{s:+.0f} s'}" for server, s in skews.items())
    worst = max(map(abs, skews.values()))
    state: State = "fail" if worst > SKEW_FAILED else "warn" if worst > SKEW_WARNED else "ok"
    return (
        state,
        found,
        "" if state == "ok" else "set the clocks by NTP: the store rejects requests with a wrong time",
    )
