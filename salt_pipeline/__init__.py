"""The salt pipeline: the folders `components/` and `pipelines/` of the repository, under one import name.

Its Python API are the names in `__all__`; docs/api.md describes them. Each is imported when it is first used, so that
`import salt_pipeline` costs nothing, and needs torch only where a network is trained or used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salt_pipeline.api import decode, encode, load_bundle, run, score, train_fold

__all__ = ["decode", "encode", "load_bundle", "run", "score", "train_fold"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("salt_pipeline.api"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
