"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Dataset, Output

from components.core.images import image


@dsl.component(base_image=image("ingest"), install_kfp_package=False)
def ingest(data: str, data_version: str, config: dict, dataset: Output[Dataset]) -> None:  # noqa: ARG001
    """Reads the competition's archive, checks it, and writes it as one Parquet file.

    Args:
        data: The competition's zip of zips, a flat zip, or a folder.
        data_version: Names the archive's content (its hash, or its size and time of change). It is not read: it only
            keeps Kubeflow from answering with a cached result when the archive behind the same path has changed.
        config: The configuration; `data.on_bad` is used.
        dataset: The images, one row each, of the schema `DATASET`.
    """
    from components.core.errors import exit_on_error
    from components.core.lineage import describe
    from components.ingest.stage import ingest as run

    with exit_on_error():
        facts = run(data, config, dataset.path)
        describe(dataset, "ingest/dataset.parquet", **facts)
