"""What the nodes have free, read from a stand-in for Kubernetes."""

from fractions import Fraction
from typing import Any

import pytest

from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from salt_pipeline.pipelines.cluster.nodes import amount, may_grow, read_nodes
from tests.pipelines.kube_server import KubeServer

GIB = 2**30


def test_nodes_that_may_not_be_listed(kubernetes: KubeServer) -> None:
    kubernetes.forbidden = {"nodes"}
    with pytest.raises(KubeError, match="nodes is forbidden"):
        read_nodes(Kube("kubeflow"))


@pytest.mark.parametrize(
    ("text", "number"), [("500m", Fraction(1, 2)), ("2Gi", 2 * GIB), ("1.5", Fraction(3, 2)), ("1k", 1000), (None, 0)]
)
def test_amounts_as_kubernetes_writes_them(text: Any, number: Any) -> None:
    assert amount(text) == number


def test_an_autoscaler_is_found(kubernetes: KubeServer) -> None:
    kube = Kube("kubeflow")
    assert not may_grow(kube)
    kubernetes.objects["nodepools"]["nodepools"] = {"items": [{"metadata": {"name": "gpus"}}]}
    assert may_grow(kube)
    kubernetes.objects["nodepools"].clear()
    kubernetes.forbidden = {"configmaps"}
    assert may_grow(kube)
