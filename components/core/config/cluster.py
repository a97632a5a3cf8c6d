"""The cluster's section of the configuration: images, and the resources that pods request."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from salt_pipeline.components.core.config.section import Section
from salt_pipeline.components.core.stages import IN_LOOP, StageName

Quantity = Annotated[str, Field(coerce_numbers_to_str=True, pattern=r"^\d+(\.\d+)?(m|k|[KMGTPE]i|[MGTPE])?$")]
"""An amount as Kubernetes writes it: `4`, `500m`, `16Gi`."""

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

LabelKey = Annotated[str, StringConstraints(pattern=rf"^({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{_LABEL}$", max_length=317)]
"""Key of a label: a name of at most 63 characters, after a domain and a slash where it has a prefix."""

LabelValue = Annotated[str, StringConstraints(pattern=rf"^({_LABEL})?$")]
"""Value of a label: empty, or at most 63 characters."""

ObjectName = Annotated[str, StringConstraints(pattern=rf"^{_DNS_LABEL}(\.{_DNS_LABEL})*$", max_length=253)]
"""Name of a Kubernetes object, such as a Secret: a DNS subdomain."""

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
"""Label by which a pod requests a place in a LocalQueue of its namespace."""

_RESERVED = (QUEUE_LABEL, "app.kubernetes.io/name", "workflows.argoproj.io/", "pipelines.kubeflow.org/", "pipeline/")
"""Labels that `queue` sets, that our Services and network policies select by, or that Argo and KFP set."""


class Toleration(Section):
    """A Kubernetes toleration."""

    key: str
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"

    @model_validator(mode="after")
    def _exists_has_no_value(self) -> Self:
        if self.operator == "Exists" and self.value:
            raise ValueError("a toleration with operator Exists takes no value")
        return self


class StageConfig(Section):
    """What one stage requests of its node; unset options are those of the section `cluster`."""

    accelerator: str | None = Field(None, description="Resource name of the GPUs, or `none`.")
    accelerator_count: int | None = Field(None, ge=1, description="GPUs of a task.")
    cpu: Quantity | None = Field(None, description="CPUs it requests, as Kubernetes writes them.")
    memory: Quantity | None = Field(None, description="Memory it requests, and its limit.")
    shm: Quantity | None = Field(None, description="Size of a memory-backed /dev/shm.")
    node_selector: dict[str, str] | None = Field(None, description="Labels a node must carry.")
    tolerations: tuple[Toleration, ...] | None = Field(None, description="Taints it may be scheduled on.")
    timeout_hours: float | None = Field(None, gt=0, description="Hours after which it is stopped.")
    retries: int | None = Field(None, ge=0, description="Further attempts when it fails.")


def threads(node: StageConfig) -> int:
    """Compute threads of a task: as many as the CPUs that it requests, and at least one."""
    cpu = node.cpu or "1"
    number = float(cpu.rstrip("mkKMGTPEi"))
    return max(1, math.ceil(number / 1000 if cpu.endswith("m") else number))


class ClusterConfig(Section):
    """The images, and what their pods request of a Kubernetes cluster; the local runner ignores this section."""

    registry: str = Field("salt-pipeline", min_length=1, description="Prefix of the stages' image names.")
    tag: Annotated[str, Field(pattern=r"^[\w][\w.-]{0,127}$")] | None = Field(
        None, description="Tag of the images, never `latest`; by default the one that `salt images build` derives."
    )
    digests: dict[StageName, Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]] = Field(
        default_factory=dict, description="Digests of pushed images, which take precedence over the tag."
    )
    image_pull_secrets: tuple[ObjectName, ...] = Field(
        (), description="Secrets with which the images are pulled from a registry that requires a password."
    )
    queue: LabelValue = Field("", description="Kueue's LocalQueue that admits the pods of the stages; empty for none.")
    pod_labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels of the pods of the stages, as `team` or `example.org/cost-centre`."
    )
    accelerator: str = Field("nvidia.com/gpu", description="Resource name of the GPUs, or `none` to run on CPU nodes.")
    accelerator_count: int = Field(1, ge=1, description="GPUs of a task.")
    cpu: Quantity = Field("4", description="CPUs a training or prediction task requests, as Kubernetes writes them.")
    memory: Quantity = Field("16Gi", description="Memory a training or prediction task requests, and its limit.")
    shm: Quantity = Field("2Gi", description="Size of a memory-backed /dev/shm of these two.")
    node_selector: dict[str, str] = Field(default_factory=dict, description="Labels a node must carry for these two.")
    tolerations: tuple[Toleration, ...] = Field((), description="Taints these two may be scheduled on.")
    light_cpu: Quantity = Field("250m", description="CPUs that a stage without a network requests.")
    light_memory: Quantity = Field("2Gi", description="Memory that a stage without a network requests, and its limit.")
    timeout_hours: float = Field(24, gt=0, description="Hours after which a task is stopped.")
    retries: int = Field(2, ge=0, description="Further attempts of a failed task.")
    stages: dict[StageName, StageConfig] = Field(
        default_factory=dict, description="Requests of single stages, such as stages.predict.memory."
    )

    @model_validator(mode="after")
    def _no_latest(self) -> Self:
        if self.tag == "latest":
            raise ValueError("the tag `latest` would be pulled at every start and defeats caching: name a version")
        return self

    @model_validator(mode="after")
    def _labels_are_not_reserved(self) -> Self:
        for key in self.pod_labels:
            if any(key == name or (name.endswith("/") and key.startswith(name)) for name in _RESERVED):
                raise ValueError(f"pod_labels: {key} is reserved (see cluster.queue for Kueue's label)")
        return self

    def labels(self) -> dict[str, str]:
        """The labels of every stage's pod: those of the configuration, and the queue's."""
        return {**self.pod_labels, **({QUEUE_LABEL: self.queue} if self.queue else {})}

    def node(self, stage: StageName) -> StageConfig:
        """What a stage requests of its node."""
        requested = self.model_dump(include=set(StageConfig.model_fields))
        if stage not in IN_LOOP:
            light = {"accelerator": "none", "cpu": self.light_cpu, "memory": self.light_memory, "shm": None}
            requested |= light | {"node_selector": {}, "tolerations": ()}
        own = self.stages.get(stage, StageConfig()).model_dump(exclude_none=True)
        return StageConfig.model_validate(requested | own)
