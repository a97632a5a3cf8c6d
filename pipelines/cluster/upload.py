"""Makes sure that a cluster knows the pipeline."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError, PipelineVersion
from salt_pipeline.pipelines.variant import Variant


def upload(kfp: Kfp, config: Config, variant: Variant) -> PipelineVersion:
    """Uploads the compiled pipeline of a configuration, unless the cluster has this very version.

    Args:
        kfp: The API.
        config: The configuration that the pipeline is compiled with.
        variant: How the pipeline is compiled.

    Returns:
        The version.
    """
    from salt_pipeline.pipelines.pipeline import compile_pipeline

    def write(path: Path) -> None:
        compile_pipeline(config, path, variant)

    return upload_compiled(kfp, names.PIPELINE, "Finds salt in seismic images.", write)


def upload_compiled(kfp: Kfp, pipeline: str, description: str, write: Callable[[Path], None]) -> PipelineVersion:
    """Uploads a compiled pipeline, unless the cluster has this very version.

    Args:
        kfp: The API.
        pipeline: Name of the pipeline, which is created if it does not exist.
        description: What it does, for the user interface.
        write: Writes the compiled pipeline to a path.

    Returns:
        The version.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "salt.yaml")
        write(path)
        name = f"salt-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        pipeline_id = kfp.pipeline_id(pipeline) or kfp.create_pipeline(pipeline, description)
        if known := _version(kfp, pipeline_id, name):
            return known
        try:
            return kfp.upload_version(pipeline_id, name, path)
        except KfpError as error:
            # Another submission may have uploaded it in the meantime.
            known = None if error.status is None else _version(kfp, pipeline_id, name)
            if known is None:
                raise
            return known


def _version(kfp: Kfp, pipeline_id: str, name: str) -> PipelineVersion | None:
    return next((version for version in kfp.versions(pipeline_id) if version.name == name), None)
