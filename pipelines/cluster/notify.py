"""The address that is notified when a run ends: kept in a Secret, since whoever knows it may post there."""

import hashlib

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from salt_pipeline.pipelines.cluster.settings import ClusterSettings

CONFLICT = 409
"""HTTP status for an object that exists already."""


def secret_name(url: str) -> str:
    """Name of the Secret of an address.

    Raises:
        SaltError: If it is not an address; the message does not contain it, since it is a secret.
    """
    if not url.startswith(("http://", "https://")) or not url.isprintable() or " " in url:
        raise SaltError("is not an address", field="--notify", expected="https://...")
    return f"{names.NOTIFY_SECRET}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def store_address(settings: ClusterSettings, url: str) -> None:
    """Creates the Secret of an address in the namespace of the runs, unless it exists.

    Raises:
        SaltError: If it does not exist and cannot be created.
    """
    name = secret_name(url)
    kube = Kube(settings.namespace)
    try:
        kube.put_secret(name, {names.NOTIFY_KEY: url}, replace=False)
    except KubeError as error:
        if error.status != CONFLICT and not (error.denied and _exists(kube, name)):
            raise _not_stored(error, settings.namespace, name) from None


def _exists(kube: Kube, name: str) -> bool:
    try:
        return bool((kube.secret(name) or {}).get(names.NOTIFY_KEY))
    except KubeError:
        return False


def _not_stored(error: KubeError, namespace: str, name: str) -> SaltError:
    if not error.denied:
        return error
    return SaltError(
        "no permission to write it: ask somebody who has it to create it once, with the address as "
        f"{names.NOTIFY_KEY}, and to let you read it",
        file=f"Secret {namespace}/{name}",
        field="--notify",
    )
