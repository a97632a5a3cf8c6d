"""Makes sure that a cluster knows the pipeline and the experiment."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError
from salt_pipeline.pipelines.variant import Variant


def upload(kfp: Kfp, config: Config, variant: Variant) -> tuple[str, str, bool]:
    """Makes sure that the pipeline of this configuration is known to the cluster.

    Returns:
        Ids of the pipeline and of its version; whether the version is new.
    """
    from salt_pipeline.pipelines.pipeline import compile_pipeline

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "salt.yaml")
        compile_pipeline(config, path, variant)
        version = f"salt-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        pipeline_id = _pipeline_id(kfp)
        if known := _version_id(kfp, pipeline_id, version):
            return pipeline_id, known, False
        try:
            made = kfp.call(
                kfp.uploads.upload_pipeline_version, str(path), name=version, display_name=version,
                pipelineid=pipeline_id,
            )  # fmt: skip
        except KfpError as error:
            # Another submission may have been quicker.
            known = _version_id(kfp, pipeline_id, version) if error.status else None
            if known is None:
                raise
            return pipeline_id, known, False
    return pipeline_id, made.pipeline_version_id, True


def find_pipeline(kfp: Kfp) -> Any:
    """The pipeline in the runs' namespace; None where it was never uploaded."""
    method = kfp.pipelines.pipeline_service_list_pipelines
    listed = kfp.pages(method, "pipelines", namespace=kfp.settings.namespace, filter=_named(names.PIPELINE))
    return next((found for found in listed if names.PIPELINE in (found.name, found.display_name)), None)


def _pipeline_id(kfp: Kfp) -> str:
    import kfp_server_api as api

    namespace = kfp.settings.namespace  # in multi-user mode few may make pipelines that all namespaces share
    if found := find_pipeline(kfp):
        return found.pipeline_id
    body = api.V2beta1Pipeline(
        name=names.PIPELINE, display_name=names.PIPELINE, namespace=namespace,
        description="Finds salt in seismic images.",
    )  # fmt: skip
    return kfp.call(kfp.pipelines.pipeline_service_create_pipeline, body).pipeline_id


def _version_id(kfp: Kfp, pipeline_id: str, version: str) -> str | None:
    method = kfp.pipelines.pipeline_service_list_pipeline_versions
    versions = kfp.pages(method, "pipeline_versions", pipeline_id, sort_by="created_at desc")
    return next((v.pipeline_version_id for v in versions if version in (v.name, v.display_name)), None)


def experiment_id(kfp: Kfp, name: str) -> str:
    """Id of an experiment, which is made where there is none of that name."""
    import kfp_server_api as api

    namespace = kfp.settings.namespace
    method = kfp.experiments.experiment_service_list_experiments
    for found in kfp.pages(method, "experiments", namespace=namespace, filter=_named(name)):
        if found.display_name == name and found.storage_state != "ARCHIVED":
            return found.experiment_id
    body = api.V2beta1Experiment(display_name=name, namespace=namespace)
    return kfp.call(kfp.experiments.experiment_service_create_experiment, body).experiment_id


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "string_value": name}]})
