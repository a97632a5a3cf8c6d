"""The name of each stage's container image."""

from components.core.config import ClusterConfig


def image(stage: str, cluster: ClusterConfig | None = None) -> str:
    """Names the image of a stage.

    Args:
        stage: Folder name of the stage, as `train_fold`.
        cluster: Where the registry prefix and the tag come from; the defaults when left out.

    Returns:
        For example `salt-pipeline/train-fold:0.1.0`.
    """
    cluster = cluster or ClusterConfig()
    return f"{cluster.registry}/{stage.replace('_', '-')}:{cluster.tag}"
