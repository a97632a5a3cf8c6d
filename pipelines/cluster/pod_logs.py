"""The log of a task's pods: from the pod, or from the archive in the object store."""

import re

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.tasks import Task

_NO_LOG = re.compile(
    r"unable to retrieve container logs for |failed to try resolving symlinks in path |failed to open log file |"
    r"rpc error: code = NotFound |Error from server|.*\bcontainer\b.* not found|"
    r"(Bad ?Request: )?container \S+ in pod \S+ is (waiting|not available|terminated)"
)
"""Texts that the kubelet returns, with HTTP status 200, instead of a log that it no longer has."""


def read_log(kfp: Kfp, run_id: str, task: Task) -> str:
    """The log of a task's newest attempt.

    Raises:
        SaltError: If it has not written anything yet, or its log is lost, or the archived log cannot be read.
    """
    pod = task.pods[-1] if task.pods else ""
    text = _log_itself(kfp.log(run_id, pod)) if pod else None
    if text is None and task.state == "starting":
        raise SaltError("is starting and has not written anything yet", file=task.stage, found=task.reason or None)
    if text is None and pod:
        text = _log_itself(_log_of_pod(kfp.settings.namespace, pod))
    if text is None and task.attempts and task.attempts[-1].log:
        text = _archived(task.attempts[-1].log)
    if text is None:
        raise SaltError("its pod and its log no longer exist", file=task.stage, found=", ".join(task.pods) or None)
    return text


def _log_itself(text: str | None) -> str | None:
    """A log; None if it is the kubelet's message, one or two lines, that there is none."""
    alone = text is not None and len(text.strip().splitlines()) <= 2
    return None if text is None or (alone and _NO_LOG.match(text.lstrip())) else text


def _log_of_pod(namespace: str, pod: str) -> str | None:
    """The log of a pod of an ended workflow: the API then has archived logs only, which few clusters keep."""
    from salt_pipeline.pipelines.cluster.kube import Kube

    try:
        return Kube(namespace).log(pod)
    except SaltError:
        return None


def _archived(uri: str) -> str | None:
    """The log that Argo archived; None if the store has removed it.

    Raises:
        SaltError: If the store cannot be read.
    """
    from salt_pipeline.components.core.store.store import Store

    try:
        store = Store(patience=0)
        return store.get(uri).decode(errors="replace") if store.stat(uri) else None
    except SaltError as error:
        raise SaltError(
            f"its pod no longer exists; its log is archived, but cannot be read: {error}", file=uri
        ) from None
