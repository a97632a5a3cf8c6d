"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Output

from components.core.images import image


@dsl.component(base_image=image("ingest"), install_kfp_package=False)
def ingest(
    data: str,
    data_version: str,  # noqa: ARG001 - it keeps Kubeflow's cache from answering when the archive has changed
    options: dict,
    dataset: Output[Dataset],
    config: Output[Artifact],
) -> None:
    """Reads the competition's archive, checks it, and writes it as one Parquet file, beside the configuration."""
    from components.core.errors import exit_on_error
    from components.core.lineage import describe
    from components.core.storage import write_json
    from components.ingest.stage import ingest as run

    with exit_on_error():
        describe(dataset, "dataset", **run(data, options, dataset.path))
        write_json(config.path, options)
        describe(config, "config")
