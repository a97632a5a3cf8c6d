"""What a task of the stage does: from KFP's artifacts to plain files, through the stage, and back."""

from typing import Any

from kfp.dsl import Artifact

from components.core.errors import exit_on_error
from components.core.lineage import describe
from components.core.storage import read_json
from components.fold_split.stage import split


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
