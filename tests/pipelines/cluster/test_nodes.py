"""The free resources of nodes, read from a stand-in for Kubernetes."""

import json
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import ApiClient

from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from salt_pipeline.pipelines.cluster.nodes import amount, may_grow, read_nodes, requested
from tests.pipelines.kube_server import KubeServer, node, pod

GIB = 2**30


def test_a_missing_permission_to_list_nodes_is_reported(kubernetes: KubeServer) -> None:
    kubernetes.forbidden = {"nodes"}
    with pytest.raises(KubeError, match="nodes is forbidden"):
        read_nodes(Kube("kubeflow"))


@pytest.mark.parametrize(
    ("text", "number"), [("500m", Fraction(1, 2)), ("2Gi", 2 * GIB), ("1.5", Fraction(3, 2)), ("1k", 1000), (None, 0)]
)
def test_amounts_as_kubernetes_writes_them(text: Any, number: Any) -> None:
    assert amount(text) == number


def test_an_autoscaler_is_detected_or_assumed(kubernetes: KubeServer) -> None:
    kube = Kube("kubeflow")
    assert not may_grow(kube)
    kubernetes.objects["nodepools"]["nodepools"] = {"items": [{"metadata": {"name": "gpus"}}]}
    assert may_grow(kube)
    kubernetes.objects["nodepools"].clear()
    kubernetes.forbidden = {"configmaps"}
    assert may_grow(kube)


def test_free_is_what_no_pod_on_the_node_requests(kubernetes: KubeServer) -> None:
    kubernetes.nodes = [node("a", cpu="8", memory="16Gi", gpus=2), node("b", cpu="4", memory="8Gi")]
    kubernetes.pods = [pod("a", {"cpu": "1500m", "memory": "1Gi", "nvidia.com/gpu": "1"}), pod(None, {"cpu": "4"})]
    first, second = read_nodes(Kube("kubeflow"))
    assert first.free == {"cpu": Fraction(13, 2), "memory": 15 * GIB, "pods": 109, "nvidia.com/gpu": 1}
    assert second.free == second.allocatable == {"cpu": 4, "memory": 8 * GIB, "pods": 110}


def requests(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **spec: Any) -> Fraction:
    """The CPUs that a pod with these containers and init containers requests."""
    made = {"name": "c", "resources": {}}
    document = {
        "metadata": {"name": "p"},
        "spec": {
            "containers": [made | one for one in containers],
            "initContainers": [made | one for one in init],
            **spec,
        },
    }
    read = ApiClient().deserialize(SimpleNamespace(data=json.dumps(document)), "V1Pod")
    return requested(read, "cpu")


def test_a_pod_requests_its_containers_or_the_largest_init_container() -> None:
    def asks(cpu: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}}

    assert requests(asks("1"), asks("500m")) == Fraction(3, 2)
    assert requests(asks("1"), init=(asks("4"), asks("2"))) == 4
    assert requests(asks("1"), init=(asks("3") | {"restartPolicy": "Always"},)) == 4, "a sidecar stays"
    assert requests(asks("1"), overhead={"cpu": "250m"}) == Fraction(5, 4)
    assert requests({"resources": {"limits": {"cpu": "2"}}}) == 2, "without a request the limit is reserved"
    assert requests({"resources": {}}) == 0
