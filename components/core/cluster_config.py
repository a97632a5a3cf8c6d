"""What the configuration says of a cluster: the images, and what their pods ask of a node."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.core.section import Section

Quantity = Annotated[str, Field(coerce_numbers_to_str=True, pattern=r"^\d+(\.\d+)?(m|k|[KMGTPE]i|[MGTPE])?$")]
"""An amount as Kubernetes writes it: `4`, `500m`, `16Gi`."""


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
    """What one stage asks of its node; what is left out is as the cluster's section says."""

    accelerator: str | None = Field(None, description="Resource name of the GPUs, or `none`.")
    accelerator_count: int | None = Field(None, ge=1, description="GPUs of a task.")
    cpu: Quantity | None = Field(None, description="CPUs it requests, as Kubernetes writes them.")
    memory: Quantity | None = Field(None, description="Memory it requests, and its limit.")
    shm: Quantity | None = Field(None, description="Size of a memory-backed /dev/shm.")
    node_selector: dict[str, str] | None = Field(None, description="Labels a node must carry.")
    tolerations: tuple[Toleration, ...] | None = Field(None, description="Taints it may be scheduled on.")
    timeout_hours: float | None = Field(None, gt=0, description="It is stopped after so many hours.")
    retries: int | None = Field(None, ge=0, description="Further attempts when it fails.")


StageName = Literal["ingest", "fold_split", "train_fold", "predict", "ensemble", "submission", "report"]
WITH_NETWORK: frozenset[StageName] = frozenset({"train_fold", "predict"})
"""The stages that compute with a network: they get the GPUs."""


class ClusterConfig(Section):
    """The images, and what their pods ask of a Kubernetes cluster; the local runner ignores it."""

    registry: str = Field("salt-pipeline", min_length=1, description="Prefix of the stages' image names.")
    tag: Annotated[str, Field(pattern=r"^[\w][\w.-]{0,127}$")] | None = Field(
        None, description="Tag of the images, never `latest`; left out, the one `salt images build` derives."
    )
    digests: dict[StageName, Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]] = Field(
        default_factory=dict, description="Digests of pushed images, which count for more than the tag."
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
    timeout_hours: float = Field(24, gt=0, description="A task is stopped after so many hours.")
    retries: int = Field(2, ge=0, description="Further attempts of a failed task.")
    stages: dict[StageName, StageConfig] = Field(
        default_factory=dict, description="What single stages ask for instead, as stages.predict.memory."
    )

    @model_validator(mode="after")
    def _no_latest(self) -> Self:
        if self.tag == "latest":
            raise ValueError("the tag `latest` would be pulled at every start and defeats caching: name a version")
        return self

    def node(self, stage: StageName) -> StageConfig:
        """What a stage asks of its node."""
        asked = self.model_dump(include=set(StageConfig.model_fields))
        if stage not in WITH_NETWORK:
            light = {"accelerator": "none", "cpu": self.light_cpu, "memory": self.light_memory, "shm": None}
            asked |= light | {"node_selector": {}, "tolerations": ()}
        own = self.stages.get(stage, StageConfig()).model_dump(exclude_none=True)
        return StageConfig.model_validate(asked | own)
