"""The cluster's section of the configuration: images, and the resources that pods request."""

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from salt_pipeline.components.core.config.section import Section, form
from salt_pipeline.components.core.numbers import plain_number
from salt_pipeline.components.core.stages import IN_LOOP, StageName

_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3} | {
    unit: base**power
    for power, letter in enumerate("KMGTPE", start=1)
    for unit, base in ((letter, 1e3), (f"{letter}i", 1024.0))
    if unit != "K"
}
"""Suffixes of Kubernetes' quantities."""


def _amount(quantity: str) -> float:
    """A quantity as a number: `500m` is 0.5, `2Gi` is 2**31."""
    number = quantity.rstrip("mkKMGTPEi")
    return plain_number(number) * _UNITS[quantity.removeprefix(number)]


def _within(least: str, most: str) -> AfterValidator:
    def check(quantity: str) -> str:
        if not _amount(least) <= _amount(quantity) <= _amount(most):
            raise ValueError(f"Input should be from {least} to {most}")
        return quantity

    return AfterValidator(check)


_QUANTITY = Field(
    coerce_numbers_to_str=True,
    pattern=form(
        r"^[0-9]{1,20}(\.[0-9]{1,20})?(m|k|[KMGTPE]i|[MGTPE])?$", "a quantity of Kubernetes, such as 4, 500m or 16Gi"
    ),
)

Cpu = Annotated[str, _QUANTITY, _within("1m", "4096")]
"""CPUs as Kubernetes writes them: `4`, `500m`; one thousandth is its finest unit, and no node has 4096."""

Memory = Annotated[str, _QUANTITY, _within("1Mi", "1Pi")]
"""Bytes as Kubernetes writes them: `512Mi`, `16Gi`; no process runs in less than 1Mi, and no node has 1Pi."""

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

LabelKey = Annotated[
    str,
    StringConstraints(
        pattern=form(
            rf"^({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{_LABEL}$",
            "a label's key: at most 63 letters, digits and _ . -, after a domain and / where it has a prefix",
        ),
        max_length=317,
    ),
]
"""Key of a label: a name of at most 63 characters, after a domain and a slash where it has a prefix."""

LabelValue = Annotated[
    str,
    StringConstraints(
        pattern=form(
            rf"^({_LABEL})?$",
            "a label's value: at most 63 letters, digits and _ . -, with a letter or a digit at both ends",
        )
    ),
]
"""Value of a label: empty, or at most 63 characters."""

_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

RegistryPrefix = Annotated[
    str,
    StringConstraints(
        pattern=form(
            rf"^[A-Za-z0-9]+([._-]+[A-Za-z0-9]+)*(:{_PORT})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
            "a prefix of images: a host, with a port or not, and lower-case folders, as registry.example.org/team",
        ),
        max_length=200,
    ),
]
"""Prefix of an image's name: a host, with a port or not, and lower-case folders; 255 characters fit with the stage."""

Tag = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
            "a tag: at most 128 letters, digits and _ . -, which begins with a letter, a digit or _",
        )
    ),
]
"""Tag of a container image."""

ObjectName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            rf"^{_DNS_LABEL}(\.{_DNS_LABEL})*$",
            "a name of Kubernetes: lower-case letters, digits, - and ., with a letter or a digit at both ends",
        ),
        max_length=253,
    ),
]
"""Name of a Kubernetes object, such as a Secret: a DNS subdomain."""

Digest = Annotated[str, Field(pattern=form(r"^sha256:[0-9a-f]{64}$", "sha256: and 64 lower-case hex digits"))]
"""Digest of a pushed image."""

Hours = Annotated[float, Field(ge=1 / 60, le=24 * 365)]
"""A time limit: from a minute, in which no pod finishes, to a year."""

_MOST_GPUS = 128
"""Twice as many as the largest nodes have, whose GPUs are divided."""

_MOST_RETRIES = 100
"""With an hour for each attempt, four days of failing."""

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
"""Label by which a pod requests a place in a LocalQueue of its namespace."""

_RESERVED = (QUEUE_LABEL, "app.kubernetes.io/name", "workflows.argoproj.io/", "pipelines.kubeflow.org/", "pipeline/")
"""Labels that `queue` sets, that our Services and network policies select by, or that Argo and KFP set."""


class Toleration(Section):
    """A Kubernetes toleration."""

    key: LabelKey | Literal[""] = Field(description="Key of the taint; empty, with operator Exists, for every key.")
    operator: Literal["Equal", "Exists"] = "Equal"
    value: LabelValue = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"

    @model_validator(mode="after")
    def _exists_has_no_value(self) -> Self:
        if self.operator == "Exists" and self.value:
            raise ValueError("a toleration with operator Exists takes no value")
        return self


class StageConfig(Section):
    """What one stage requests of its node; unset options are those of the section `cluster`."""

    accelerator: LabelKey | None = Field(None, description="Resource name of the GPUs, or `none`.")
    accelerator_count: int | None = Field(None, ge=1, le=_MOST_GPUS, description="GPUs of a task.")
    cpu: Cpu | None = Field(None, description="CPUs it requests, as Kubernetes writes them.")
    memory: Memory | None = Field(None, description="Memory it requests, and its limit.")
    shm: Memory | None = Field(None, description="Size of a memory-backed /dev/shm.")
    node_selector: dict[LabelKey, LabelValue] | None = Field(None, description="Labels a node must carry.")
    tolerations: tuple[Toleration, ...] | None = Field(None, description="Taints it may be scheduled on.")
    timeout_hours: Hours | None = Field(None, description="Hours on a node after which an attempt is stopped.")
    retries: int | None = Field(None, ge=0, le=_MOST_RETRIES, description="Further attempts when it fails.")


def threads(node: StageConfig) -> int:
    """Compute threads of a task: as many as the CPUs that it requests, and at least one."""
    return max(1, math.ceil(_amount(node.cpu or "1")))


class ClusterConfig(Section):
    """The images, and what their pods request of a Kubernetes cluster; the local runner ignores this section."""

    registry: RegistryPrefix = Field("salt-pipeline", description="Prefix of the stages' image names.")
    tag: Tag | None = Field(
        None, description="Tag of the images, never `latest`; by default the one that `salt images build` derives."
    )
    digests: dict[StageName, Digest] = Field(
        default_factory=dict, description="Digests of pushed images, which take precedence over the tag."
    )
    image_pull_secrets: tuple[ObjectName, ...] = Field(
        (), description="Secrets with which the images are pulled from a registry that requires a password."
    )
    queue: LabelValue = Field("", description="Kueue's LocalQueue that admits the pods of the stages; empty for none.")
    pod_labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels of the pods of the stages, as `team` or `example.org/cost-centre`."
    )
    accelerator: LabelKey = Field(
        "nvidia.com/gpu", description="Resource name of the GPUs, or `none` to run on CPU nodes."
    )
    accelerator_count: int = Field(1, ge=1, le=_MOST_GPUS, description="GPUs of a task.")
    cpu: Cpu = Field("4", description="CPUs a training or prediction task requests, as Kubernetes writes them.")
    memory: Memory = Field("16Gi", description="Memory a training or prediction task requests, and its limit.")
    shm: Memory = Field("2Gi", description="Size of a memory-backed /dev/shm of these two.")
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels a node must carry for these two."
    )
    tolerations: tuple[Toleration, ...] = Field((), description="Taints these two may be scheduled on.")
    light_cpu: Cpu = Field("250m", description="CPUs that a stage without a network requests.")
    light_memory: Memory = Field("2Gi", description="Memory that a stage without a network requests, and its limit.")
    timeout_hours: Hours = Field(24, description="Hours on a node after which an attempt of a task is stopped.")
    retries: int = Field(2, ge=0, le=_MOST_RETRIES, description="Further attempts of a failed task.")
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

    def labels(self) -> dict[LabelKey, LabelValue]:
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
