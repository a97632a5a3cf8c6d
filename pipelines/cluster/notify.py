"""Where the word at a run's end goes: a Secret, because whoever knows such an address may post there."""

import hashlib

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from salt_pipeline.pipelines.cluster.settings import ClusterSettings

CONFLICT = 409


def secret_name(url: str) -> str:
    """Name of the Secret of an address.

    Raises:
        SaltError: If it is no address; without the address, which is a secret.
    """
    if not url.startswith(("http://", "https://")) or not url.isprintable() or " " in url:
        raise SaltError("is not an address", field="--notify", expected="https://...")
    return f"{names.NOTIFY_SECRET}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def store_address(settings: ClusterSettings, url: str) -> str:
    """Makes sure that the Secret of an address is in the namespace of the runs.

    Returns:
        Its name.

    Raises:
        SaltError: If it is not there and cannot be made.
    """
    name = secret_name(url)
    kube = Kube(settings.namespace)
    try:
        kube.put_secret(name, {names.NOTIFY_KEY: url}, replace=False)
    except KubeError as error:
        if error.status != CONFLICT and not (error.denied and _is_there(kube, name)):
            raise _not_stored(error, settings.namespace, name) from None
    return name


def _is_there(kube: Kube, name: str) -> bool:
    try:
        return bool((kube.secret(name) or {}).get(names.NOTIFY_KEY))
    except KubeError:
        return False


def _not_stored(error: KubeError, namespace: str, name: str) -> SaltError:
    if not error.denied:
        return error
    return SaltError(
        f"may not be written: let somebody with the right make it once, with the address as {names.NOTIFY_KEY}, "
        "and give you the right to read it",
        file=f"Secret {namespace}/{name}", field="--notify",
    )  # fmt: skip
