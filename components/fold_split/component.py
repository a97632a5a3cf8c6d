"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from components.core.images import image


@dsl.component(base_image=image("fold_split"), install_kfp_package=False)
def fold_split(dataset: Input[Dataset], config: Input[Artifact], folds: Output[Dataset]) -> list[dict]:
    """Splits the labelled images into folds; returns a job for each encoder and fold, `{"encoder": .., "fold": ..}`."""
    from components.core.errors import exit_on_error
    from components.core.lineage import describe
    from components.core.storage import read_json
    from components.fold_split.stage import split

    with exit_on_error():
        jobs, facts = split(dataset.path, read_json(config.path), folds.path)
        describe(folds, "folds", **facts)
        return jobs
