"""The resources of a cluster's nodes, and the part of them that no pod has requested."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from salt_pipeline.components.core.config.cluster import StageConfig, Toleration
from salt_pipeline.pipelines.cluster.kube import Kube, KubeError

Amounts = Mapping[str, Fraction]
"""Amounts by resource, as Kubernetes names them: `cpu`, `memory` in bytes, `pods`, `nvidia.com/gpu`."""

_KEEPS_OUT = ("NoSchedule", "NoExecute")


@dataclass(frozen=True)
class Node:
    """A node that accepts pods.

    Attributes:
        name: Its name.
        labels: Its labels.
        taints: Key, value and effect of each taint that keeps pods out.
        allocatable: The resources that all its pods together may request.
        free: The part of these that is not requested.
    """

    name: str
    labels: Mapping[str, str]
    taints: tuple[tuple[str, str, str], ...]
    allocatable: Amounts
    free: Amounts

    def takes(self, asked: StageConfig) -> bool:
        """Whether its labels and taints allow it to run a stage, whatever its free resources.

        A taint with the name of the GPU resource does not exclude a pod that requests GPUs: many clusters add that
        toleration.
        """
        labelled = all(self.labels.get(label) == value for label, value in (asked.node_selector or {}).items())
        tolerations = asked.tolerations or ()
        return labelled and all(
            taint[0] == asked.accelerator or any(_tolerates(one, *taint) for one in tolerations)
            for taint in self.taints
        )


def read_nodes(kube: Kube) -> list[Node]:
    """Reads the nodes that accept pods: those that are ready and not cordoned.

    Raises:
        KubeError: If Kubernetes does not answer, or denies it: listing nodes and the pods of all namespaces needs a
            permission of its own.
    """
    pods = kube.call(
        kube.core.list_pod_for_all_namespaces, field_selector="status.phase!=Succeeded,status.phase!=Failed"
    ).items
    return [_node(node, pods) for node in kube.call(kube.core.list_node).items if _usable(node)]


def may_grow(kube: Kube) -> bool:
    """Whether an autoscaler may add nodes: Cluster Autoscaler or Karpenter is installed, or it cannot be checked."""
    try:
        status = kube.find(kube.core.read_namespaced_config_map, "cluster-autoscaler-status", "kube-system")
        pools = kube.find(kube.custom.list_cluster_custom_object, "karpenter.sh", "v1", "nodepools")
    except KubeError:
        return True
    return bool(status or (pools and pools["items"]))


def amount(text: Any) -> Fraction:
    """A quantity as Kubernetes writes it, as a number: `500m` is 1/2, `2Gi` is 2**31."""
    from kubernetes.utils.quantity import parse_quantity

    return Fraction(parse_quantity(text or 0))


def requested(pod: Any, resource: str) -> Fraction:
    """What a pod reserves of a resource: its containers' requests, or its largest init container's if that is more."""
    if resource == "pods":
        return Fraction(1)

    def asks(container: Any) -> Fraction:
        resources = container.resources
        return amount(((resources and (resources.requests or resources.limits)) or {}).get(resource))

    inits = pod.spec.init_containers or []
    stay = [one for one in inits if getattr(one, "restart_policy", None) == "Always"]  # sidecars
    kept = sum((asks(container) for container in [*pod.spec.containers, *stay]), Fraction(0))
    return max([kept, *map(asks, inits)]) + amount((pod.spec.overhead or {}).get(resource))


def _node(node: Any, pods: list[Any]) -> Node:
    mine = [pod for pod in pods if pod.spec.node_name == node.metadata.name]
    allocatable = {resource: amount(value) for resource, value in (node.status.allocatable or {}).items()}
    taints = ((t.key, t.value or "", t.effect) for t in (node.spec and node.spec.taints) or [])
    return Node(
        node.metadata.name,
        node.metadata.labels or {},
        tuple(taint for taint in taints if taint[2] in _KEEPS_OUT),
        allocatable,
        {name: has - sum(requested(pod, name) for pod in mine) for name, has in allocatable.items()},
    )


def _usable(node: Any) -> bool:
    ready = [condition.status for condition in node.status.conditions or [] if condition.type == "Ready"]
    return not (node.spec and node.spec.unschedulable) and ready in ([], ["True"])


def _tolerates(toleration: Toleration, key: str, value: str, effect: str) -> bool:
    same = toleration.operator == "Exists" or toleration.value == value
    return toleration.key == key and toleration.effect == effect and same
