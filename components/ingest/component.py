"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Output

from salt_pipeline.components.core.container_image import image


@dsl.component(base_image=image("ingest"), install_kfp_package=False)
def ingest(
    data: str,
    data_version: str,  # noqa: ARG001 - it keeps Kubeflow's cache from answering when the archive has changed
    options: dict,
    dataset: Output[Dataset],
    config: Output[Artifact],
) -> None:
    """Reads the competition's archive, checks it, and writes it as one Parquet file, beside the configuration."""
    from salt_pipeline.components.ingest.task import ingest_task

    ingest_task(data, options, dataset, config)
