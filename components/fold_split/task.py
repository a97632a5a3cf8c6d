"""The task of the stage: maps KFP's artifacts to plain files, calls the stage, and describes the results."""

from typing import Any

from kfp.dsl import Artifact

from salt_pipeline.components.core.artifacts import describe
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.fold_split.stage import split


@exit_on_error()
def split_task(dataset: Artifact, config: Artifact, folds: Artifact) -> list[dict[str, Any]]:
    """Splits the labelled images.

    Args:
        dataset: The images.
        config: The configuration document.
        folds: Output: the fold, group and stratum of each labelled image.

    Returns:
        A job for each encoder and fold, `{"encoder": name, "fold": number}`.
    """
    jobs, facts = split(dataset.path, read_json(config.path), folds.path)
    content = "{folds} folds, {groups} groups, the largest of {largest_group}".format(**facts)
    describe(folds, "folds", content=content, data_hash=facts["data_hash"])
    return jobs
