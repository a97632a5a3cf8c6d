"""Prepares a cluster: Secrets, buckets, users, the rule that removes old checkpoints, the MLflow experiment.

What exists is changed only on request; keys are never printed, and are written to Kubernetes only.
"""

import os
import secrets
from collections.abc import Iterator

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.tracking.experiment import experiment_name, find_experiment, open_experiment
from salt_pipeline.components.core.tracking.failures import tracking_error
from salt_pipeline.components.core.tracking.server import open_client
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.http_errors import ANSWER_SECONDS
from salt_pipeline.pipelines.cluster.kube import Kube
from salt_pipeline.pipelines.cluster.mlflow_server import server_address, server_version
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.cluster.store_users import Admin, User, users
from salt_pipeline.pipelines.cluster.time_limit import within

MLFLOW_SECONDS = 10.0
"""Time limit for creating the MLflow experiment, in seconds."""

Keys = tuple[str, str]
"""Name of an access key, and the key."""

POD_SECRETS = {
    names.STORE_SECRET: names.STORE_KEYS,
    names.KFP_STORE_SECRET: names.KFP_STORE_KEYS,
    names.MLFLOW_SECRET: names.MLFLOW_KEYS,
}
"""Secrets with the keys that pods use for the store, and the names of the keys in each."""


def initialise(
    settings: ClusterSettings, *, dev: bool, generate: bool, replace: bool, expire_days: int
) -> Iterator[str]:
    """Creates what is missing.

    Args:
        settings: The addresses and names of the cluster.
        dev: Also create the Secrets that the overlay's own MinIO and Postgres read.
        generate: Generate the keys of that MinIO if none are known.
        replace: Replace the values of Secrets that hold others, and give the users new keys.
        expire_days: Number of days for which checkpoints are kept.

    Yields:
        A line for each object: what was done, or why it was skipped.

    Raises:
        SaltError: If there are no keys, or Kubernetes rejects a call.
        SaltErrors: At the end, with the failures of the other servers.
    """
    store = StoreSettings()
    if store.session_token:
        raise SaltError(
            "temporary keys expire within hours and cannot be used by a cluster", field="SALT_S3_SESSION_TOKEN"
        )
    kube = Kube(settings.namespace)
    keys = _keys(kube, store, dev=dev, generate=generate)
    known = users(store.bucket, kube.namespace)
    wanted = {name: user for name, user in known.items() if dev or name != names.MLFLOW_SECRET}
    if settings.namespace != settings.kfp_namespace:  # Kubeflow gives each profile keys for its own part of its store
        del wanted[names.KFP_STORE_SECRET]
    if why := None if dev else _no_users(store, keys):
        yield f"users of the store: not created, {why}; pods get the keys that were given"
    entries = {name: keys if why else _entry(kube, name, user, replace) for name, user in wanted.items()}
    yield from _secrets(kube, keys, entries, dev=dev, replace=replace)
    problems = []
    made = iter(()) if why else _users(kube, store, keys, wanted)
    for lines in (_buckets(store, keys, dev, expire_days), made, _experiment()):
        try:
            yield from lines
        except SaltError as error:
            problems.append(error)
    if problems:
        raise SaltErrors("not everything was prepared", problems)


def _keys(kube: Kube, store: StoreSettings, *, dev: bool, generate: bool) -> Keys:
    """The store's own keys: those of the environment, else those of the cluster, else generated ones."""
    if store.access_key and store.secret_key:
        return store.access_key.get_secret_value(), store.secret_key.get_secret_value()
    restricted = {user.name for user in users(store.bucket, kube.namespace).values()}
    for name, (access, secret) in ((names.MINIO_SECRET, names.MINIO_KEYS), (names.STORE_SECRET, names.STORE_KEYS)):
        held = {key: value.decode() for key, value in (kube.secret(name) or {}).items()}
        if held.get(access) and held.get(secret) and held[access] not in restricted:
            return held[access], held[secret]
    if generate and not dev:
        raise SaltError("generates keys for the overlay's own MinIO only", field="--generate", expected="with --dev")
    if not generate:
        raise SaltError(
            "are not set",
            field="SALT_S3_ACCESS_KEY and SALT_S3_SECRET_KEY",
            expected="the store's keys, or --dev --generate for the overlay's own MinIO",
        )
    return f"salt-{secrets.token_hex(6)}", secrets.token_urlsafe(30)


def _no_users(store: StoreSettings, keys: Keys) -> str | None:
    """Why no users are created in that store; None if they are."""
    if store.endpoint is None:
        return "SALT_S3_ENDPOINT is not set here"
    refusal = Admin(StoreSettings(access_key=keys[0], secret_key=keys[1])).refusal()
    return refusal and f"these keys are not those of a MinIO administrator ({refusal})"


def _entry(kube: Kube, name: str, user: User, replace: bool) -> Keys:
    """A user's keys: those in its Secret, or new ones."""
    access, secret = POD_SECRETS[name]
    held = kube.secret(name) or {}
    if not replace and held.get(access) == user.name.encode() and held.get(secret):
        return user.name, held[secret].decode()
    return user.name, secrets.token_urlsafe(30)


def _users(kube: Kube, store: StoreSettings, keys: Keys, wanted: dict[str, User]) -> Iterator[str]:
    """Creates the users in the store with the keys of their Secrets."""
    if store.endpoint is None:
        yield "users of the store: skipped, SALT_S3_ENDPOINT is not set here; run the command again where it is set"
        return
    admin = Admin(StoreSettings(access_key=keys[0], secret_key=keys[1]))
    for name, user in wanted.items():
        access, secret = POD_SECRETS[name]
        held = kube.secret(name) or {}
        if held.get(access) != user.name.encode():
            yield f"user {user.name}: skipped, Secret {name} holds the keys of another user"
        else:
            yield f"user {user.name}: {'set' if admin.put(user, held[secret].decode()) else 'unchanged'}"


def _secrets(kube: Kube, keys: Keys, entries: dict[str, Keys], *, dev: bool, replace: bool) -> Iterator[str]:
    wanted = {name: dict(zip(POD_SECRETS[name], entry, strict=True)) for name, entry in entries.items()}
    if dev:
        wanted[names.MINIO_SECRET] = dict(zip(names.MINIO_KEYS, keys, strict=True))
    for name, values in wanted.items():
        yield _secret(kube, name, values, replace)
    if dev:
        held = kube.secret(names.POSTGRES_SECRET) or {}
        known = held.get(names.POSTGRES_KEYS[0], b"").decode()  # the database took it when it was created
        made = {names.POSTGRES_KEYS[0]: known or secrets.token_urlsafe(30)}
        yield _secret(kube, names.POSTGRES_SECRET, made, replace)


def _secret(kube: Kube, name: str, values: dict[str, str], replace: bool) -> str:
    held = kube.secret(name)
    if held is None:
        kube.put_secret(name, values, replace=False)
        return f"Secret {name}: created"
    if all(held.get(key) == value.encode() for key, value in values.items()):
        return f"Secret {name}: unchanged"
    if not replace:
        return f"Secret {name}: holds other values and was not changed (--replace replaces them)"
    kube.put_secret(name, values, replace=True)
    return f"Secret {name}: replaced; pods that are running keep the old values"


def _buckets(settings: StoreSettings, keys: Keys, dev: bool, expire_days: int) -> Iterator[str]:
    from salt_pipeline.components.core.store.store import Store

    # AWS needs no address, but keys that came from the cluster alone do not mean that the store is AWS.
    if not settings.configured:
        yield f"bucket {settings.bucket}: skipped, SALT_S3_ENDPOINT is not set here"
        return
    store = Store(StoreSettings(access_key=keys[0], secret_key=keys[1]), patience=0)
    for bucket in [settings.bucket, *[names.KFP_BUCKET] * dev]:
        yield f"bucket {bucket}: {'created' if store.make_bucket(bucket) else 'unchanged'}"
    changed = store.expire(settings.bucket, f"{names.CHECKPOINTS}/", expire_days)
    yield f"checkpoints: kept {expire_days} days, {'set' if changed else 'unchanged'}"


def _experiment() -> Iterator[str]:
    name = experiment_name()
    address = server_address()
    if address is None:
        yield f"MLflow experiment {name}: skipped, MLFLOW_TRACKING_URI is not a server's address here"
        return
    server_version(address)  # in seconds, and before MLflow's client, which takes long to import and to fail
    try:
        import mlflow  # noqa: F401 - before the time limit starts
    except ImportError:
        yield f"MLflow experiment {name}: skipped, mlflow is not installed here: pip install mlflow-skinny"
        return
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(int(ANSWER_SECONDS)))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    try:
        created = within(MLFLOW_SECONDS, lambda: _make_experiment(address), f"MLflow at {address}")
    except SaltError:
        raise
    except Exception as error:  # of many kinds: mlflow's, requests', urllib3's
        failure = tracking_error(error, address)
        raise SaltError(f"experiment {name} was not created: {failure.problem}", file=f"MLflow at {address}") from None
    yield f"MLflow experiment {name}: {'created' if created else 'unchanged'}"


def _make_experiment(address: str) -> bool:
    client = open_client(address)
    known = find_experiment(client)
    open_experiment(client)
    return known is None
