"""What kfp.local's executor writes about a task that has finished: its artifacts, with what the stage noted on them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from salt_pipeline.components.core.config.config import EncoderName
from salt_pipeline.components.core.documents import parse_document
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Facts(BaseModel):
    """What a stage noted on an artifact, as far as a run's folder needs it; KFP keeps it as text."""

    encoder: EncoderName | Literal[""] = ""
    fold: Annotated[str, Field(pattern=r"^[0-9]{0,3}$")] = ""
    stage_seconds: Seconds = 0
    cpu_seconds: Seconds = 0
    cpu_parts: Annotated[str, Field(pattern=r"^([a-z]+ [0-9]{1,9}\.[0-9]( [a-z]+ [0-9]{1,9}\.[0-9])*)?$")] = ""


class Artifact(BaseModel):
    """One artifact: its path, which KFP calls its URI."""

    uri: Annotated[str, Field(min_length=1, max_length=4096)]
    metadata: Facts = Facts()


class Artifacts(BaseModel):
    """The artifacts of one output."""

    artifacts: list[Artifact]


class ExecutorOutput(BaseModel):
    """The document; entries that we do not need are ignored."""

    artifacts: dict[str, Artifacts] = {}


def read_artifacts(path: Path) -> dict[str, list[Artifact]]:
    """Reads the artifacts of a task by output; none from a file that is still being written.

    Raises:
        SaltError: If the file is JSON of another shape.
    """
    try:
        content = read_json(path)
    except SaltError:
        return {}
    return {name: output.artifacts for name, output in parse_document(ExecutorOutput, content, path).artifacts.items()}
