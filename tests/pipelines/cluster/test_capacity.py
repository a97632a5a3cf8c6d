"""The requests of jobs compared with the free resources of nodes, read from a stand-in for Kubernetes."""

from typing import Any

import pytest

from salt_pipeline.pipelines.cluster.capacity import fit
from salt_pipeline.pipelines.cluster.kube import Kube
from salt_pipeline.pipelines.cluster.nodes import read_nodes
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer, node, pod

TEN = preset_config("smoke", ["split.folds=5"])


@pytest.fixture
def fits(kubernetes: KubeServer) -> Any:
    """Fits a configuration on the nodes that the stand-in has at the time of the call."""
    return lambda config=TEN: fit(read_nodes(Kube("kubeflow")), config)


def test_ten_small_jobs_need_five_cores_and_twenty_gigabytes(kubernetes: KubeServer, fits: Any) -> None:
    kubernetes.nodes = [node("a", cpu="5", memory="20Gi")]
    assert (fits().jobs, fits().at_once, fits().warning) == (10, 10, "")
    kubernetes.nodes = [node("a", cpu="4900m", memory="20Gi")]
    assert fits().at_once == 9
    kubernetes.nodes = [node("a", cpu="5", memory="20479Mi")]
    assert fits().at_once == 9


def test_what_other_pods_requested_is_not_free(kubernetes: KubeServer, fits: Any) -> None:
    kubernetes.nodes = [node("a", cpu="5", memory="20Gi"), node("b", cpu="5", memory="20Gi")]
    kubernetes.pods = [
        pod("a", {"cpu": "1", "memory": "1Gi"}, {"cpu": "1"}),
        pod("b", {"cpu": "100m"}, init=({"cpu": "4500m"}, {"cpu": "10m"})),
        pod(None, {"cpu": "5"}),
    ]
    assert fits().at_once == 6 + 1


def test_the_pod_limit_of_a_node_counts(kubernetes: KubeServer, fits: Any) -> None:
    kubernetes.nodes = [node("a", cpu="64", memory="640Gi")]
    kubernetes.pods = [pod("a", {})] * 103
    assert fits().at_once == 7


def test_the_suggested_options_let_all_jobs_run_at_once(kubernetes: KubeServer, fits: Any) -> None:
    kubernetes.nodes = [node("a", cpu="3", memory="12Gi"), node("b", cpu="1500m", memory="16Gi")]
    found = fits()
    assert found.at_once == 6 + 3
    assert found.changes == ("cluster.cpu=350m",)
    assert found.warning == (
        "9 of 10 jobs fit at once (each asks for 0.5 CPUs, 2Gi memory; free: 4.5 CPUs, 28Gi memory on 2 of 2 nodes); "
        "the others wait, or run all at once with --set cluster.cpu=350m"
    )
    assert fits(preset_config("smoke", ["split.folds=5", *found.changes])).at_once >= 10
    kubernetes.nodes = [node("a", cpu="4", memory="16Gi")]
    found = fits()
    assert found.changes == ("cluster.cpu=400m", "cluster.memory=1536Mi")
    assert "memory is also the limit" in found.warning
    assert fits(preset_config("smoke", ["split.folds=5", *found.changes])).at_once == 10


def test_requests_that_are_too_small_or_do_not_help_are_not_suggested(kubernetes: KubeServer, fits: Any) -> None:
    kubernetes.nodes = [node("a", cpu="8", memory="8Gi")]  # 819 MiB per job
    found = fits()
    assert (found.at_once, found.changes) == (4, ())
    assert found.warning.endswith("; the others wait")
    kubernetes.nodes = [node("a", cpu="64", memory="512Gi", gpus=4)]
    found = fits(preset_config("seed"))
    assert (found.at_once, found.changes) == (4, ())
    assert "4 nvidia.com/gpu" in found.warning
    kubernetes.pods = [pod("a", {"nvidia.com/gpu": "4"})]
    assert fits(preset_config("seed")).warning.endswith("; they wait until other pods end")
    assert not fits(preset_config("seed")).misfits


def test_nodes_that_do_not_accept_such_a_pod_do_not_count(kubernetes: KubeServer, fits: Any) -> None:
    gpus = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}
    spot = {"key": "spot", "value": "yes", "effect": "NoExecute"}
    soft = {"key": "soft", "effect": "PreferNoSchedule"}
    big = {"cpu": "64", "memory": "640Gi"}
    kubernetes.nodes = [
        node("cordoned", cordoned=True, **big),
        node("lost", ready="Unknown", **big),
        node("spot", taints=[spot], **big),
        node("soft", cpu="1", memory="640Gi", taints=[soft]),
        node("labelled", cpu="1", memory="640Gi", labels={"pool": "train"}),
    ]
    assert fits().at_once == 2 + 2
    assert fits(preset_config("smoke", ["split.folds=5", 'cluster.node_selector={"pool": "train"}'])).at_once == 2
    for toleration, jobs in (({"value": "yes"}, 128), ({"value": "no"}, 0), ({"operator": "Exists"}, 128)):
        tolerated = {"key": "spot", "effect": "NoExecute", **toleration}
        changes = [f"cluster.tolerations=[{tolerated}]".replace("'", '"')]
        assert fits(preset_config("smoke", ["split.folds=5", *changes])).at_once == min(jobs, 110) + 4
    kubernetes.nodes = [node("gpus", gpus=8, taints=[gpus], **big), node("other")]
    assert fits(preset_config("seed")).at_once == 8
    assert fits().at_once == 16


def test_a_pod_that_fits_on_no_node_is_reported(kubernetes: KubeServer, fits: Any) -> None:
    kubernetes.nodes = [node("a", cpu="2", memory="4Gi")]
    (problem,) = fits(preset_config("seed")).misfits
    said = str(problem)
    assert said.startswith(
        "train_fold, predict: fits on none of 1 nodes: asks for 4 CPUs, 16Gi memory, 1 nvidia.com/gpu"
    )
    options = "--set cluster.cpu=... and --set cluster.memory=... and --set cluster.accelerator=..."
    assert said.endswith(f"(found largest node 2 CPUs, 4Gi memory, expected another {options})")
    kubernetes.nodes = [node("a", cpu="200m", memory="4Gi")]
    light, heavy = map(str, fits().misfits)
    assert light.startswith("ingest, fold_split, ensemble, submission, report: ")
    assert light.endswith("expected another --set cluster.light_cpu=...)")
    assert heavy.endswith("expected another --set cluster.cpu=...)")
    kubernetes.nodes = [node("a", labels={"pool": "other"})]
    selected = preset_config("smoke", ['cluster.node_selector={"pool": "train"}'])
    assert "label pool=train" in str(fits(selected).misfits[0])
    assert "expected another --set cluster.node_selector=... or cluster.tolerations=" in str(fits(selected).misfits[0])


@pytest.mark.minio
def test_submit_warns_where_jobs_wait_and_refuses_where_none_can_run(
    ready: str, kfp: KfpServer, kubernetes: KubeServer
) -> None:
    words = ["submit", "--data", ready, "--preset", "smoke", "--set", "cluster.tag=1.2.3"]
    kubernetes.nodes = [node("a", cpu="1", memory="8Gi")]
    code, _, said = salt(*words)
    assert code == 0
    assert "warning: 2 of 4 jobs fit at once" in said
    assert "--set cluster.cpu=250m" in said
    assert salt(*words, "--set", "cluster.cpu=250m")[2] == ""
    kubernetes.forbidden = {"pods"}
    assert "warning: the jobs' requests were not compared with the nodes: Kubernetes: " in salt(*words)[2]
    kubernetes.forbidden = set()
    kubernetes.nodes = [node("a", cpu="2", memory="1Gi")]
    runs = len(kfp.runs)
    said = fails(*words)
    assert "train_fold, predict: fits on none of 1 nodes: asks for 0.5 CPUs, 2Gi memory" in said
    assert len(kfp.runs) == runs
    kubernetes.nodes = []
    assert "fits on none of 0 nodes" in fails(*words)
    kubernetes.put("configmaps", "cluster-autoscaler-status", {"status": "..."})
    code, _, said = salt(*words)
    assert code == 0
    assert "or nodes that are ready); an autoscaler may add one" in said
