"""An Argo workflow as KFP and Kubernetes answer it: the fields that are read, checked before they are."""

import base64
import gzip
import json
import re
import zlib
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from salt_pipeline.components.core.documents import parse_document
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import parse_json

_DRIVER = re.compile(r"-driver(\(\d+\))?$")
"""The end of a driver's name in a workflow."""


class _Parameter(BaseModel):
    """An input of a node."""

    name: str = ""


class _Artifact(BaseModel):
    """A file that a node left in the object store."""

    name: str = ""
    s3: dict[str, Any] | None = None


class _Inputs(BaseModel):
    parameters: list[_Parameter] | None = None


class _Outputs(BaseModel):
    artifacts: list[_Artifact] | None = None


class _Node(BaseModel):
    """A node of a workflow, as far as its fields are read."""

    id: str
    name: str
    type: str
    displayName: str = ""
    phase: str = ""
    message: str = ""
    startedAt: datetime | None = None
    finishedAt: datetime | None = None
    inputs: _Inputs | None = None
    outputs: _Outputs | None = None


class _Status(BaseModel):
    """The status of a workflow, as far as its fields are read."""

    phase: str = ""
    message: str = ""
    compressedNodes: str = ""
    nodes: dict[str, _Node] | None = None
    artifactRepositoryRef: dict[str, Any] | None = None


class _Workflow(BaseModel):
    """A workflow, as far as its fields are read."""

    metadata: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    status: _Status = _Status()


def read_workflow(text: str) -> dict[str, Any]:
    """Parses an Argo workflow, and checks the fields that are read.

    Raises:
        SaltError: Naming a field that is missing or of another type.
    """
    return checked_workflow(parse_json(text, "workflow"))


def checked_workflow(workflow: Any) -> dict[str, Any]:
    """Checks the fields that are read of an Argo workflow.

    Raises:
        SaltError: Naming a field that is missing or of another type.
    """
    parse_document(_Workflow, workflow, "workflow")
    return dict(workflow)


def nodes_of(workflow: dict[str, Any]) -> dict[str, Any]:
    """The nodes, which Argo compresses if they are large."""
    status = workflow.get("status", {})
    if "compressedNodes" in status:
        try:
            nodes = json.loads(gzip.decompress(base64.b64decode(status["compressedNodes"])))
        except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
            raise SaltError("the workflow's nodes cannot be decompressed", found=error) from None
        parse_document(_Workflow, {"status": {"nodes": nodes}}, "workflow")
        return dict(nodes)
    return status.get("nodes") or {}


def driver_failed(workflow: dict[str, Any]) -> bool:
    """Whether a pod of KFP's own, which prepares a task or an iteration of a loop, has failed or was lost."""
    return any(
        node.get("phase") in ("Failed", "Error") and _DRIVER.search(node["name"])
        for node in nodes_of(workflow).values()
        if node["type"] == "Pod"
    )
