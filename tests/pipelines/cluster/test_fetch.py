"""The paths of artifacts in the store, and in the folder that they are downloaded to."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.fetch import Found, artifact_root, executions, find, place
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.argo import execution, workflow
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ROOT = "s3://bucket/v2/salt/r"


def listed(*paths: str) -> Any:
    """The store's list of objects with these paths, each one byte larger and a second newer than the one before."""
    for i, path in enumerate(paths):
        yield f"{ROOT}/{path}", SimpleNamespace(size=i, modified=NOW + timedelta(seconds=i))


def found(output: str, inside: str = "") -> Found:
    return Found(f"{ROOT}/x", output, "e1", inside, 1, NOW)


def test_an_object_belongs_to_a_task_an_execution_and_an_output() -> None:
    names = ("report/e1/results", "train-fold/e2/model/model.json", "submission/e3/bundle/a/b.json", "too/short")
    first, second, third = find(listed(*names), ROOT)
    assert first == Found(f"{ROOT}/report/e1/results", "report/results", "e1", "", 0, NOW)
    assert (second.output, second.execution, second.inside) == ("train-fold/model", "e2", "model.json")
    assert (third.inside, third.size, third.modified) == ("a/b.json", 2, NOW + timedelta(seconds=2))


def test_an_artifact_has_the_path_that_a_local_run_gives_it() -> None:
    assert place(found("submission/csv"), {}) == "submission.csv"
    assert place(found("submission/bundle", "models/a.json"), {}) == "ensemble/bundle/models/a.json"
    assert place(found("predict/maps"), {"e1": "lite0/fold3"}) == "predict/lite0/fold3/maps.parquet"


def test_an_artifact_of_an_unknown_job_or_output_is_named_by_its_execution() -> None:
    assert place(found("predict/maps"), {"e2": "lite0/fold3"}) == "predict/e1/maps.parquet"
    assert place(found("report/executor-logs"), {}) == "report/e1/executor-logs"


@pytest.mark.parametrize("inside", ["../../x", "a/../../x", ".", "a//b", "/etc/passwd"])
def test_a_name_that_leaves_the_folder_is_refused(inside: str) -> None:
    with pytest.raises(SaltError, match="is not a valid file name"):
        place(found("submission/bundle", inside), {})


def test_the_executions_of_a_loop_are_its_jobs(kfp: KfpServer, api: Kfp) -> None:
    config = preset_config("smoke")
    run_id = kfp.add_run("first", parameters={"config": config.model_dump(mode="json")})
    tasks = {("train-fold", 0): ["Succeeded"], ("predict", 3): ["Succeeded"], ("ingest", None): ["Succeeded"]}
    kfp.workflows[run_id] = workflow(tasks, run_id)
    run = api.run(run_id)
    assert executions(api, run) == {
        execution("train-fold", 0): f"{run.jobs[0].encoder}/fold{run.jobs[0].fold}",
        execution("predict", 3): f"{run.jobs[3].encoder}/fold{run.jobs[3].fold}",
    }


def test_the_root_of_artifacts_is_the_run_s_the_settings_or_the_cluster_s(
    kfp: KfpServer, kubernetes: KubeServer
) -> None:
    named, plain = kfp.add_run("named"), kfp.add_run("plain")
    kfp.runs[named]["runtime_config"]["pipeline_root"] = "minio://own/root/?region=x"

    def root(run_id: str, **given: Any) -> str:
        api = Kfp(cluster_settings(**given))
        return artifact_root(api, api.run(run_id))

    assert root(named, pipeline_root="s3://settings/root") == "s3://own/root"
    assert root(plain, pipeline_root="s3://settings/root") == "s3://settings/root"
    assert root(plain) == "s3://mlpipeline/v2/artifacts"
    kubernetes.put("configmaps", "kfp-launcher", {"defaultPipelineRoot": "s3://cluster/root"})
    assert root(plain) == "s3://cluster/root"
    kubernetes.forbidden = {"configmaps"}
    assert root(plain) == "s3://mlpipeline/v2/artifacts"


@pytest.mark.parametrize("address", ["gs://bucket/root", "/mnt/artifacts", "https://store/root"])
def test_a_root_that_is_not_in_an_s3_store_is_refused(kfp: KfpServer, api: Kfp, address: str) -> None:
    run_id = kfp.add_run("first")
    kfp.runs[run_id]["runtime_config"]["pipeline_root"] = address
    with pytest.raises(SaltError, match=f"pipeline root: is not in an object store .found {address}, expected s3://"):
        artifact_root(api, api.run(run_id))
