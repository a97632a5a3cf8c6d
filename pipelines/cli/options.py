"""Code that the cluster's commands have in common: the namespace's option, the connection, following a run."""

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from salt_pipeline.components.core.progress_bar import stderr_console

if TYPE_CHECKING:
    from salt_pipeline.pipelines.cluster.settings import ClusterSettings

Namespace = Annotated[
    str | None,
    typer.Option("-n", "--namespace", help="Namespace of the runs, instead of SALT_NAMESPACE: a profile's, or KFP's."),
]

_namespace: ContextVar[str | None] = ContextVar("namespace", default=None)


def in_namespace(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the option `-n`, which takes precedence over SALT_NAMESPACE."""

    @wraps(command)
    def run(*words: Any, namespace: str | None, **named: Any) -> Any:
        before = _namespace.set(namespace)
        try:
            return command(*words, **named)
        finally:
            _namespace.reset(before)

    option = inspect.Parameter("namespace", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Namespace)
    signature = inspect.signature(command)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, "namespace": Namespace}
    return run


def settings() -> "ClusterSettings":
    """The addresses and names of the cluster, with the command's namespace."""
    from salt_pipeline.pipelines.cluster.settings import cluster_settings

    return cluster_settings(namespace=_namespace.get())


def open_kfp() -> Any:
    """The cluster's Kubeflow Pipelines."""
    from salt_pipeline.pipelines.cluster.kfp import Kfp

    return Kfp(settings())


def follow(kfp: Any, run_id: str) -> None:
    """Follows a run to its end.

    Raises:
        typer.Exit: If it does not succeed.
    """
    from salt_pipeline.pipelines.cluster.close_tracked import close_tracked
    from salt_pipeline.pipelines.cluster.watch import Watch

    code = Watch(kfp, kfp.run(run_id), stderr_console()).follow()
    close_tracked(kfp, run_id)
    if code:
        raise typer.Exit(code)
