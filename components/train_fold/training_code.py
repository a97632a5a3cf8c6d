"""The code that computes a training, by which a checkpoint in a store is known."""

from functools import cache
from importlib.metadata import version
from pathlib import Path

from salt_pipeline.components.core.files import content_hash

LIBRARIES = ("torch", "torchvision", "segmentation-models-pytorch", "timm", "numpy", "pyarrow")
"""Packages whose versions affect the result of a training beside its configuration."""

COMPONENTS = Path(__file__).parents[1]

SOURCES = ("network/*.py", "train_fold/*.py", "core/metric.py")
"""Modules that affect it, under `components/`."""


def library_versions() -> dict[str, str]:
    """The installed version of each package that affects a training."""
    return {name: version(name) for name in LIBRARIES}


@cache
def code_hash() -> str:
    """A hash of the sources and of the packages' versions: with the same one, a training gives the same weights."""
    paths = sorted(path for pattern in SOURCES for path in COMPONENTS.glob(pattern))
    sources = {str(path.relative_to(COMPONENTS)): path.read_text(encoding="utf-8") for path in paths}
    return content_hash([sources, library_versions()])
