"""Pipelines and experiments in Kubeflow Pipelines."""

from pathlib import Path

from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.cluster.submit import Checked, submit
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.cluster.multi_user_server import MultiUserServer
from tests.pipelines.kfp_server import KfpServer


def test_submit_creates_pipeline_and_experiment_in_the_namespace(logged_in: MultiUserServer) -> None:
    settings = cluster_settings(namespace=logged_in.profile)
    checked = Checked(preset_config("smoke", ["cluster.tag=1"]), bucket="salt")
    kfp = Kfp(settings)
    run_id = submit(kfp, checked, "s3://salt/x.zip", name="first", preset="smoke")
    assert kfp.run(run_id).name == "first"
    made = [*logged_in.experiments, *logged_in.pipelines]
    assert [one["namespace"] for one in made] == [logged_in.profile] * 2
    assert len(logged_in.uploads) == 1


def test_a_pipeline_has_an_id_after_its_creation(api: Kfp) -> None:
    assert api.pipeline_id("salt") is None
    made = api.create_pipeline("salt", "Finds salt.")
    assert api.pipeline_id("salt") == made
    assert api.pipeline_id("sal") is None


def test_versions_are_listed_over_pages(api: Kfp, tmp_path: Path) -> None:
    (tmp_path / "salt.yaml").write_text("# PIPELINE DEFINITION\n")
    pipeline_id = api.create_pipeline("salt", "")
    assert api.newest_version(pipeline_id) is None
    uploaded = [api.upload_version(pipeline_id, f"v{i}", tmp_path / "salt.yaml") for i in range(5)]
    assert list(api.versions(pipeline_id)) == uploaded
    assert [version.name for version in uploaded] == [f"v{i}" for i in range(5)]
    assert {version.pipeline_id for version in uploaded} == {pipeline_id}
    assert api.newest_version(pipeline_id) == uploaded[0]  # the stand-in lists in the order of the uploads


def test_the_content_of_the_file_is_uploaded(kfp: KfpServer, api: Kfp, tmp_path: Path) -> None:
    (tmp_path / "salt.yaml").write_text("# the compiled pipeline\n")
    api.upload_version("p", "v1", tmp_path / "salt.yaml")
    [body] = kfp.uploads
    assert b"# the compiled pipeline\n" in body


def test_an_experiment_is_created_once_and_an_archived_one_is_not_used(kfp: KfpServer, api: Kfp) -> None:
    first = api.experiment_id("salt")
    assert api.experiment_id("salt") == first
    kfp.experiments[0]["storage_state"] = "ARCHIVED"
    second = api.experiment_id("salt")
    assert second != first
    assert [one["experiment_id"] for one in kfp.experiments] == [first, second]
