"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.core.images import image


@dsl.component(base_image=image("fold_split"), install_kfp_package=False)
def fold_split(dataset: Input[Dataset], config: dict, folds: Output[Dataset]) -> list[dict]:
    """Splits the labelled images into folds and emits the training jobs.

    Args:
        dataset: The images, from ingest.
        config: The configuration.
        folds: The fold, group and stratum of each labelled image.

    Returns:
        A job for each encoder and fold, `{"encoder": name, "fold": number}`.
    """
    from components.core.errors import exit_on_error
    from components.core.lineage import describe
    from components.fold_split.stage import split

    with exit_on_error():
        jobs, facts = split(dataset.path, config, folds.path)
        describe(folds, "fold_split/folds.parquet", **facts)
        return jobs
