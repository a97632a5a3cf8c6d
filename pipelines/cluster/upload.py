"""Makes sure that a cluster knows the pipeline."""

import hashlib
import tempfile
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

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "salt.yaml")
        compile_pipeline(config, path, variant)
        name = f"salt-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        pipeline_id = kfp.pipeline_id(names.PIPELINE) or kfp.create_pipeline(
            names.PIPELINE, "Finds salt in seismic images."
        )
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
