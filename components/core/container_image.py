"""The name of each stage's container image."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from salt_pipeline.components.core.stages import StageName, task_name

if TYPE_CHECKING:
    from salt_pipeline.components.core.config.cluster import ClusterConfig

BASE_IMAGE = "python:3.11-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b"
"""Version and digest of the index, which covers every architecture: rebuilding gives the same image."""


def image(stage: StageName, cluster: "ClusterConfig | None" = None) -> str:
    """Names the image of a stage.

    Args:
        stage: Folder name of the stage, as `train_fold`.
        cluster: Where the registry prefix, tag and digests come from; the defaults if omitted.

    Returns:
        For example `salt-pipeline/train-fold:0.1.0`; without a tag, the version of the project is the tag.
    """
    from salt_pipeline.components.core.config.cluster import ClusterConfig

    cluster = cluster or ClusterConfig()
    name = f"{cluster.registry}/{task_name(stage)}"
    digest = cluster.digests.get(stage)
    return f"{name}@{digest}" if digest else f"{name}:{cluster.tag or version('salt-pipeline')}"
