"""Kubeflow Pipelines' API: pipelines, their versions, experiments."""

import json
from collections.abc import Iterator
from pathlib import Path

from salt_pipeline.pipelines.cluster.kfp_http import KfpHttp
from salt_pipeline.pipelines.cluster.kfp_records import PipelineVersion, read_version
from salt_pipeline.pipelines.cluster.settings import ClusterSettings


class KfpPipelines(KfpHttp):
    """The part of the API that stores pipelines and experiments.

    Args:
        settings: The addresses and names of the cluster.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        import kfp_server_api as api

        super().__init__(settings)
        self._api = api
        self._pipelines = api.PipelineServiceApi(self._client)
        self._uploads = api.PipelineUploadServiceApi(self._client)
        self._experiments = api.ExperimentServiceApi(self._client)

    def pipeline_id(self, name: str) -> str | None:
        """Id of a pipeline in the runs' namespace; None if it was never uploaded."""
        method = self._pipelines.pipeline_service_list_pipelines
        listed = self.pages(method, "pipelines", namespace=self.settings.namespace, filter=_named(name))
        return next((found.pipeline_id for found in listed if name in (found.name, found.display_name)), None)

    def create_pipeline(self, name: str, description: str) -> str:
        """Creates a pipeline without a version; its id."""
        # In multi-user mode few users have the right to create pipelines that all namespaces share.
        namespace = self.settings.namespace
        body = self._api.V2beta1Pipeline(name=name, display_name=name, namespace=namespace, description=description)
        return self.call(self._pipelines.pipeline_service_create_pipeline, body).pipeline_id

    def versions(self, pipeline_id: str) -> Iterator[PipelineVersion]:
        """The versions of a pipeline, newest first."""
        method = self._pipelines.pipeline_service_list_pipeline_versions
        listed = self.pages(method, "pipeline_versions", pipeline_id, sort_by="created_at desc")
        return (self.record(read_version, version, pipeline_id) for version in listed)

    def newest_version(self, pipeline_id: str) -> PipelineVersion | None:
        """The version of a pipeline that was uploaded last; None if there is none."""
        method = self._pipelines.pipeline_service_list_pipeline_versions
        page = self.call(method, pipeline_id, page_size=1, sort_by="created_at desc")
        return next((self.record(read_version, version, pipeline_id) for version in page.pipeline_versions or []), None)

    def upload_version(self, pipeline_id: str, name: str, path: Path) -> PipelineVersion:
        """Uploads a compiled pipeline as a version."""
        method = self._uploads.upload_pipeline_version
        made = self.call(method, str(path), name=name, display_name=name, pipelineid=pipeline_id)
        return self.record(read_version, made, pipeline_id)

    def experiment_id(self, name: str) -> str:
        """Id of an experiment, which is created if there is none of that name."""
        namespace = self.settings.namespace
        method = self._experiments.experiment_service_list_experiments
        for found in self.pages(method, "experiments", namespace=namespace, filter=_named(name)):
            if found.display_name == name and found.storage_state != "ARCHIVED":
                return found.experiment_id
        body = self._api.V2beta1Experiment(display_name=name, namespace=namespace)
        return self.call(self._experiments.experiment_service_create_experiment, body).experiment_id


def _named(name: str) -> str:
    """The API's filter for objects of a name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "string_value": name}]})
