"""A network as train_fold describes it in a learning curve: its parts, their shapes and parameters."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

Kind = Literal["input", "encoder", "centre", "gate", "decoder", "hypercolumn", "head"]

PARTS: dict[Kind, int] = {
    "input": 1,
    "encoder": 5,
    "centre": 2,
    "gate": 1,
    "decoder": 5,
    "hypercolumn": 1,
    "head": 1,
}
"""Number of parts of each kind in a network."""


class Layer(BaseModel):
    """One part of a network, as train_fold measured it in a forward pass."""

    name: str
    kind: Kind
    shape: tuple[int, int, int]
    parameters: int = Field(ge=0)
    scse: bool = False
    gates: bool = True
    maps: int = 6


class Architecture(BaseModel):
    """A built network."""

    encoder: str
    parameters: int
    layers: list[Layer]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for kind, count in PARTS.items():
            found = len(self.of(kind))
            if found != count:
                raise ValueError(f"{found} parts of kind {kind}, expected {count}")
        return self

    def of(self, kind: Kind) -> list[Layer]:
        """Returns its parts of a kind, in the order of the forward pass."""
        return [layer for layer in self.layers if layer.kind == kind]
