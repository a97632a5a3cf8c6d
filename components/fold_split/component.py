"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from salt_pipeline.components.core.container_image import image


@dsl.component(base_image=image("fold_split"), install_kfp_package=False)
def fold_split(dataset: Input[Dataset], config: Input[Artifact], folds: Output[Dataset]) -> list[dict]:
    """Splits the labelled images into folds; returns a job for each encoder and fold, `{"encoder": .., "fold": ..}`."""
    from salt_pipeline.components.fold_split.task import split_task

    return split_task(dataset, config, folds)
