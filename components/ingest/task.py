"""The task of the stage: maps KFP's artifacts to plain files, calls the stage, and describes the results."""

from kfp.dsl import Artifact

from salt_pipeline.components.core.artifacts import describe
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.ingest.stage import ingest


@exit_on_error()
def ingest_task(data: str, options: dict, dataset: Artifact, config: Artifact) -> None:
    """Reads the archive, and passes the configuration on.

    Args:
        data: The competition's zip of zips, a flat zip, or a folder.
        options: The configuration document; `data.on_bad` is used.
        dataset: Output: the images, one row each, of the schema `DATASET`.
        config: Output: the configuration document, for the other stages.
    """
    facts = ingest(data, options, dataset.path)
    images = "{labelled} labelled ({empty_masks} empty, {black_images} black), {test} test, {dropped} dropped"
    named = {key: facts[key] for key in ("data_hash", "synthetic")}
    describe(dataset, "dataset", images=images.format(**facts), **named)
    write_json(config.path, options)
    describe(config, "config")
