"""Pipelines and experiments in Kubeflow Pipelines."""

from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.cluster.submit import Checked, submit
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.cluster.multi_user_server import MultiUserServer


def test_what_submit_makes_is_in_the_namespace(logged_in: MultiUserServer) -> None:
    settings = cluster_settings(namespace=logged_in.profile)
    checked = Checked(preset_config("smoke", ["cluster.tag=1"]), bucket="salt")
    kfp = Kfp(settings)
    run_id = submit(kfp, checked, "s3://salt/x.zip", name="first", preset="smoke")
    assert kfp.run(run_id).name == "first"
    made = [*logged_in.experiments, *logged_in.pipelines]
    assert [one["namespace"] for one in made] == [logged_in.profile] * 2
    assert len(logged_in.uploads) == 1
